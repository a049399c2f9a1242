//! The `tiller` binary; all of it lives in the library's `cli`.

fn main() -> std::process::ExitCode {
    tiller::cli::main()
}
