//! The caches of this machine. They decide how work is cut, never what its results are.

use std::sync::OnceLock;

/// Bytes of a core's second-level cache; where the machine does not say, 512 KiB, the least of the
/// processors that the kernels are measured on.
pub(crate) fn l2() -> usize {
    static L2: OnceLock<usize> = OnceLock::new();
    *L2.get_or_init(|| found(2).unwrap_or(512 << 10))
}

/// Bytes of the data cache or unified cache of a level, as the processor's cache leaf describes it:
/// leaf 4, or 8000001Dh of AMD's, of the same layout.
#[cfg(target_arch = "x86_64")]
fn found(level: u32) -> Option<usize> {
    use core::arch::x86_64::{__cpuid, __cpuid_count};
    let (basic, extended) = (__cpuid(0).eax, __cpuid(0x8000_0000).eax);
    let leaves = [(4, basic), (0x8000_001d, extended)].into_iter();
    let described = leaves.filter(|(leaf, last)| leaf <= last).flat_map(|(leaf, _)| {
        (0..8).map(move |n| __cpuid_count(leaf, n)).take_while(|cache| cache.eax & 31 != 0)
    });
    let mut caches = described.filter(|cache| cache.eax & 31 != 2 && cache.eax >> 5 & 7 == level);
    caches.next().map(|cache| {
        let [line, partitions, ways] = [0, 12, 22].map(|bit| (cache.ebx >> bit) as usize);
        ((line & 0xfff) + 1) * ((partitions & 0x3ff) + 1) * (ways + 1) * (cache.ecx as usize + 1)
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn found(_: u32) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_second_level_is_as_large_as_the_system_says() {
        let says = "/sys/devices/system/cpu/cpu0/cache/index2/size";
        let Ok(says) = std::fs::read_to_string(says) else {
            return; // a system without the file has no other word to compare with
        };
        let kibibytes: usize = says.trim().trim_end_matches('K').parse().expect("a size in KiB");
        assert_eq!(super::l2(), kibibytes << 10);
    }
}
