//! The `tiller` binary; all of it lives in the library's `cli`.

/// Training on a CPU takes and returns the same large buffers all the time. The system's allocator gives them back to the system in
/// between and gets them anew, page by page, which costs an eighth of the time and more on a busy machine.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(target_os = "linux")]
    choose_devices_ourselves();
    tiller::cli::main()
}

/// Mesa has a Vulkan layer that puts the desktop's favourite GPU first, and complains on stderr where there is no desktop to ask. Which
/// GPU is taken is for `--device` to say.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn choose_devices_ourselves() {
    // SAFETY: nothing runs before it, so no other thread reads the environment meanwhile.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
}
