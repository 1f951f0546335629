#pragma once
/// The heap of a command that makes much and ends: memory in pages of 2 MiB where the kernel has
/// them (transparent huge pages, "always" or "madvise"). A first touch of 4 KiB takes a microsecond
/// and a half in a virtual machine, and a large build has 25,000 of them.

namespace sluice::cli {

/// To be called before much is allocated. Reserves address space, not memory, and does nothing
/// where that is limited. Nothing is promised: a heap that outgrows the reserve goes on in small
/// pages.
void expect_much_memory();

}  // namespace sluice::cli
