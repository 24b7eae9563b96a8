//! Detects which instruction sets this CPU has; every kernel is built for one [`Isa`].

use std::fmt;
use std::str::FromStr;

/// An instruction set the kernels support. All give bit-identical results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust.
    Portable,
    /// x86-64 with SSE4.1 (any Core since 2008, Atom since 2013): as AVX2, on 128 bits.
    Sse41,
    /// x86-64 with AVX2: bytes widened to 16 bits, then `VPMADDWD` (`VPMADDUBSW` saturates, so it is not exact).
    Avx2,
    /// The same with tiles of 8 outputs in place of 16; layers choose it themselves.
    #[doc(hidden)]
    Avx2Narrow,
    /// x86-64 with AVX-VNNI and no AVX512 (Alder Lake and later): `VPDPBUSD` on 256 bits.
    AvxVnni,
    /// x86-64 with AVX512-VNNI: `VPDPBUSD`.
    Avx512Vnni,
    /// The same with tiles of 16 outputs in place of 32; layers choose it themselves.
    #[doc(hidden)]
    Avx512VnniNarrow,
    /// Every aarch64 CPU (Cortex-A53, A72): `SMULL`, `SMLAL2`, `SADALP`; nearly every ARMv7 CPU, and the former in 32 bits.
    Neon,
    /// aarch64 with `SDOT` (Cortex-A55, A76).
    NeonDot,
    /// aarch64 with `SMMLA` (Armv8.6; Cortex-A510, X2 and later).
    NeonI8mm,
}

impl Isa {
    const ALL: [Isa; 8] = [
        Isa::Portable,
        Isa::Neon,
        Isa::NeonDot,
        Isa::NeonI8mm,
        Isa::Sse41,
        Isa::Avx2,
        Isa::AvxVnni,
        Isa::Avx512Vnni,
    ];

    /// The fastest one this CPU supports.
    #[must_use]
    pub fn detect() -> Isa {
        Isa::all_available().last().copied().unwrap_or(Isa::Portable)
    }

    /// All that this CPU supports, slowest first; never empty.
    #[must_use]
    pub fn all_available() -> Vec<Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this CPU can run it. Every constructor in this crate checks this, which makes the kernels' `run`
    /// functions safe.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Sse41 => std::arch::is_x86_feature_detected!("sse4.1"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx2Narrow => {
                std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(all(target_arch = "x86_64", not(feature = "evex")))]
            Isa::AvxVnni => Isa::Avx2.is_available() && std::arch::is_x86_feature_detected!("avxvnni"),
            // `evex`: the same kernels in the encoding of AVX512-VNNI, for tests.
            #[cfg(all(target_arch = "x86_64", feature = "evex"))]
            Isa::AvxVnni => Isa::Avx512Vnni.is_available() && std::arch::is_x86_feature_detected!("avx512vl"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni | Isa::Avx512VnniNarrow => {
                Isa::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "arm")]
            Isa::Neon => crate::simd::neon32::is_available(),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => std::arch::is_aarch64_feature_detected!("dotprod"),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonI8mm => Isa::NeonDot.is_available() && std::arch::is_aarch64_feature_detected!("i8mm"),
            _ => false,
        }
    }

    /// The kernels for a product of so many outputs, as measured by `benches/layers.rs`: with few, half of a tile would be for
    /// nothing; with more, AVX512's narrow one takes 8 % longer.
    pub(crate) fn for_outputs(self, outputs: usize) -> Isa {
        match self {
            Isa::Avx512Vnni if outputs <= 16 => Isa::Avx512VnniNarrow,
            Isa::Avx2 if outputs <= 8 => Isa::Avx2Narrow,
            _ => self,
        }
    }

    /// Activations are stored as `q ^ flip()`. NEON multiplies signed bytes, so there the stored byte is `q - 128` as an
    /// `i8`, and no kernel spends an instruction on the sign change.
    #[must_use]
    pub fn flip(self) -> u8 {
        match self {
            Isa::Portable
            | Isa::Sse41
            | Isa::Avx2
            | Isa::Avx2Narrow
            | Isa::AvxVnni
            | Isa::Avx512Vnni
            | Isa::Avx512VnniNarrow => 0,
            Isa::Neon | Isa::NeonDot | Isa::NeonI8mm => 0x80,
        }
    }

    /// The name used in settings and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Sse41 => "sse41",
            Isa::Avx2 => "avx2",
            Isa::Avx2Narrow => "avx2-narrow",
            Isa::AvxVnni => "avx-vnni",
            Isa::Avx512Vnni => "avx512-vnni",
            Isa::Avx512VnniNarrow => "avx512-vnni-narrow",
            Isa::Neon => "neon",
            Isa::NeonDot => "neon-dotprod",
            Isa::NeonI8mm => "neon-i8mm",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = String;

    fn from_str(name: &str) -> Result<Isa, String> {
        let known = Isa::ALL.into_iter().find(|isa| isa.name() == name);
        let isa = known.ok_or_else(|| {
            let names: Vec<_> = Isa::ALL.iter().map(|isa| isa.name()).collect();
            format!("unknown instruction set '{name}'; known: {}", names.join(", "))
        })?;
        if isa.is_available() { Ok(isa) } else { Err(format!("this CPU cannot run '{name}'")) }
    }
}
