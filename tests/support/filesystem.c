/* A file system without locks and without fsync of folders, as Lustre without `-o flock` and some FUSE file systems are:
   preloaded into the program by tests/filesystems.rs. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int flock(int file, int operation) {
    (void)file, (void)operation;
    errno = ENOSYS;
    return -1;
}

int fsync(int file) {
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_fsync, file);
}
