//! Times a network in rten on one thread: `rten-peer MODEL SIDE RUNS`.
use std::sync::Arc;
use std::time::Instant;

use rten::{Model, RunOptions, ThreadPool};
use rten_tensor::{AsView, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, path, side, runs] = words.as_slice() else { return Err("rten-peer MODEL SIDE RUNS".into()) };
    let (side, runs): (usize, usize) = (side.parse()?, runs.parse()?);
    let model = Model::load_file(path)?;
    let pixels: Vec<f32> = (0..3 * side * side).map(|i| (i * 7919 % 256) as f32).collect();
    let input = Tensor::<f32>::from_data(&[1, 3, side, side], pixels);
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let (input_id, outputs) = (model.input_ids()[0], model.output_ids().to_vec());
    let mut times = Vec::new();
    for _ in 0..runs + 2 {
        let inputs = vec![(input_id, input.view().into())];
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let start = Instant::now();
        model.run(inputs, &outputs, Some(options))?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let mut times = times.split_off(2); // Two to warm up.
    times.sort_by(f64::total_cmp);
    println!("least {:.3} ms, median {:.3} ms", times[0], times[times.len() / 2]);
    Ok(())
}
