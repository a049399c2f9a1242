//! Each example runs.

use tiller_kernels::test_gpu;

// Their `main` reads the command line, which is the tests' own.
#[allow(dead_code)]
#[path = "../examples/constrained_decoding.rs"]
mod constrained_decoding;
#[allow(dead_code)]
#[path = "../examples/kernel.rs"]
mod kernel;
#[path = "../examples/teacher.rs"]
mod teacher;

#[test]
fn a_teacher_is_trained_and_asked() {
    teacher::main().unwrap();
}

#[test]
fn a_list_is_written_under_constraints() {
    constrained_decoding::run(constrained_decoding::MODEL, constrained_decoding::FILMS).unwrap();
}

#[test]
fn a_kernel_runs_through_burn() {
    let adapter = test_gpu().gpu.unwrap().adapter.get_info().name;
    kernel::run(&adapter).unwrap();
}
