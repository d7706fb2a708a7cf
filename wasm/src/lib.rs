//! The module's three functions: memory for a request, the answer to it, the answer's length. No imports, so that a page
//! can start it with nothing but its bytes.
//!
//! The page calls `alloc(length)`, writes the request there as UTF-8, and calls `answer(place, length)`, which returns
//! where the answer stands; `answer_length()` says how long it is. The answer stays until the next call.

use std::cell::RefCell;

thread_local! {
    /// What the page reads, until the next call.
    static ANSWER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Memory for a request of `length` bytes; [`answer`] takes it back.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; length].into_boxed_slice()).cast()
}

/// Answers the request of `length` bytes at `request` and frees it. Returns where the answer stands.
///
/// # Safety
///
/// `request` and `length` are those of one call of [`alloc`], whose memory has not been taken back before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn answer(request: *mut u8, length: usize) -> *const u8 {
    // SAFETY: the caller promises that this is the box that `alloc` leaked, of this length, and that it is ours again.
    let request = unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(request, length)) };
    let text = rollsim::playground::answer(&String::from_utf8_lossy(&request));
    ANSWER.with_borrow_mut(|answer| {
        *answer = text;
        answer.as_ptr()
    })
}

/// The length of the last answer, bytes.
#[unsafe(no_mangle)]
pub extern "C" fn answer_length() -> usize {
    ANSWER.with_borrow(String::len)
}
