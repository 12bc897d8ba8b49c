// A file in memory that cannot grow, which the system's headers show to GNU programs only (memfd_create(2), fcntl(2)).
#ifndef MUSTER_CMEMORYFILE_SHIM_H
#define MUSTER_CMEMORYFILE_SHIM_H

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// The descriptor of a new file of this size, or -1 and errno. Writing beyond its end fails.
static inline int muster_memory_file(const char *name, off_t size) {
    int descriptor = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -1;
    // F_ADD_SEALS and F_SEAL_GROW, as <linux/fcntl.h> has them: it cannot be read beside <fcntl.h>.
    if (ftruncate(descriptor, size) != 0 || fcntl(descriptor, 1024 + 9, 0x0004) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

#endif
