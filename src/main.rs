//! The `tiller` binary, a thin wrapper of the library's `cli`.

/// CPU training allocates and frees large buffers in every step. The system allocator returns them to the system each
/// time, and the page faults of new ones cost an eighth of the training time or more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    keep_freed_memory();
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

/// Keeps freed memory for a minute before it goes back to the system. The allocator returns it after a second, which is less than a
/// step of a training: page faults were a third of its processor time.
#[allow(unsafe_code)]
fn keep_freed_memory() {
    /// mi_option_purge_delay, in milliseconds.
    const PURGE_DELAY: i32 = 15;
    unsafe extern "C" {
        fn mi_option_set(option: i32, value: std::ffi::c_long);
    }
    // SAFETY: the function and the number of the option are those of mimalloc.h, of the allocator that is linked into this program.
    unsafe { mi_option_set(PURGE_DELAY, 60_000) };
}
