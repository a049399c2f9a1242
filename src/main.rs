//! The `tiller` binary; all of it lives in the library's `cli`.

/// Training on a CPU takes and returns the same large buffers all the time. The system's allocator gives them back to the system in
/// between and gets them anew, page by page, which costs an eighth of the time and more on a busy machine.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tiller::cli::main()
}
