//! The tract operator that owns a program; in: [1, height, width, PIXEL] u8, out: as the program says.

use std::fmt;
use std::sync::Arc;

use facelatch_kernels::padded;
use tract_onnx::tract_hir::infer::*;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::to_typed;

use crate::program::{Given, Output, Program, Value};

/// The operator's name in the rewritten graph.
pub(crate) const NAME: &str = "FacelatchFused";

/// A program as a tract operator. Clones share weights and buffers.
#[derive(Clone)]
struct FusedOp {
    program: Arc<Program>,
}

/// Puts the program into the node that `graph::cut` left for it.
pub(crate) fn install(model: &mut InferenceModel, program: Program) -> TractResult<()> {
    let node = model.node_id_by_name(NAME)?;
    model.node_mut(node).op = Box::new(FusedOp { program: Arc::new(program) });
    Ok(())
}

impl FusedOp {
    fn facts(&self) -> Vec<(DatumType, &[usize])> {
        let fact = |output: &'_ Output| match self.program.values[output.value] {
            Value::Floats(_) | Value::Image => f32::datum_type(),
            Value::Bytes(_) => u8::datum_type(),
        };
        self.program.outputs.iter().map(|o| (fact(o), o.shape.as_slice())).collect()
    }

    fn run(&self, inputs: &TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = inputs[0].try_as_plain_ram()?;
        ensure!(inputs[0].shape() == self.program.pixels(), "input has the wrong shape");
        let mut results = tvec!();
        self.program.run(input.as_slice::<u8>()?, |place, given| {
            let Output { shape, is_planes, .. } = &self.program.outputs[place];
            let tensor = match given {
                Given::Floats(values) if !is_planes => Tensor::from_shape(shape, values)?,
                Given::Floats(values) => planes(shape, values, shape[1], |v| v)?,
                Given::Bytes(bytes, flip) => planes(shape, bytes, padded(shape[1]), |b| b ^ flip)?,
            };
            results.push(tensor.into_tvalue());
            TractResult::Ok(())
        })?;
        Ok(results)
    }
}

/// [pixels][stride] to [1, channels, height, width].
fn planes<T: Datum + Copy>(
    shape: &[usize],
    values: &[T],
    stride: usize,
    to: impl Fn(T) -> T,
) -> TractResult<Tensor> {
    let channels = shape[1];
    let mut moved = Vec::with_capacity(shape.iter().product());
    for c in 0..channels {
        moved.extend(values.chunks_exact(stride).map(|pixel| to(pixel[c])));
    }
    Tensor::from_shape(shape, &moved)
}

impl fmt::Debug for FusedOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME} of {} layers on {}", self.program.layers(), self.program.isa)
    }
}

impl PartialEq for FusedOp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.program, &other.program)
    }
}

impl Eq for FusedOp {}

impl Op for FusedOp {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{self:?}")])
    }

    op_as_typed_op!();
}

impl EvalOp for FusedOp {
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        self.run(&inputs).map(Some)
    }

    fn eval(&self, _ctx: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.run(&inputs)
    }
}

impl TypedOp for FusedOp {
    as_op!();

    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.facts().into_iter().map(|(dt, shape)| dt.fact(shape)).collect())
    }
}

impl InferenceRulesOp for FusedOp {
    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, self.program.outputs.len())?;
        s.equals(&inputs[0].datum_type, u8::datum_type())?;
        s.equals(&inputs[0].shape, ShapeFactoid::from(self.program.pixels().as_slice()))?;
        for (output, (dt, shape)) in outputs.iter().zip(self.facts()) {
            s.equals(&output.datum_type, dt)?;
            s.equals(&output.shape, ShapeFactoid::from(shape))?;
        }
        Ok(())
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.program.outputs.len())
    }

    as_op!();
    to_typed!();
}
