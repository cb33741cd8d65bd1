//! Files that a clone of a repository has in the place of large ones: pointers of Git LFS.

/// What is said of a pointer: it is no damaged file, and one command brings the file.
pub const LFS_POINTER: &str = "a Git LFS pointer in the place of the file, which is not here: run `git lfs pull`";

/// How every pointer begins.
const VERSION: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Whether the first bytes of a file, 8 at least, are those of a pointer. As the length of a safetensors header, they
/// would be 2 * 10^18.
pub fn is_lfs_pointer(start: &[u8]) -> bool {
    start.len() >= 8 && start.iter().zip(VERSION).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_told_from_a_header_and_from_text() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        assert!(is_lfs_pointer(pointer) && is_lfs_pointer(&pointer[..8]));
        for other in [&b"versions"[..], b"version", b"version = 1", b"{\"a\": 1}", &100u64.to_le_bytes()] {
            assert!(!is_lfs_pointer(other), "{other:?}");
        }
    }
}
