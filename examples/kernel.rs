//! Runs one GPU kernel as an operation of burn, with its gradient, and prints the WGSL behind it.
//!
//! ```console
//! $ cargo run --release --example kernel -- [DEVICE]
//! ```
//!
//! Without a GPU the operation runs on the CPU. `tiller doctor` lists the devices by name.

use burn::tensor::Tensor;
use tiller_kernels::{Kernel, gelu};

fn main() -> tiller::Result<()> {
    run(&std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned()))
}

/// Applies GELU on the named device.
pub fn run(name: &str) -> tiller::Result<()> {
    let open = tiller_kernels::open(name)?;
    println!("device: {}", open.description);

    let x = Tensor::<1>::from_floats([-1.0, 0.0, 2.0], &open.device.autodiff()).require_grad();
    let y = gelu(x.clone());
    let gradients = y.clone().sum().backward();
    println!("gelu:     {}", y.into_data());
    println!("gradient: {}", x.grad(&gradients).expect("x requires a gradient").into_data());

    let kernel = Kernel::new("gelu").with("WORKGROUP", 256u32).with("WIDE", 0u32);
    println!("{}", kernel.wgsl().text);
    Ok(())
}
