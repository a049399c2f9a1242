//! The `tiller` binary, a thin wrapper of the library's `cli`.

/// CPU training allocates and frees large buffers in every step. The system allocator returns them to the system each
/// time, and the page faults of new ones cost an eighth of the training time or more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    choose_devices_ourselves();
    tiller::cli::main()
}

/// Disables a Vulkan layer of Mesa that puts the desktop's preferred GPU first and prints warnings without a desktop.
/// `--device` selects the GPU.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn choose_devices_ourselves() {
    // SAFETY: nothing runs before it, so no other thread reads the environment meanwhile.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
}
