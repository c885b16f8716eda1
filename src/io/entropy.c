#include "entropy.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>
#include <sysexits.h>

bool entropy_fill(void *buf, size_t size, struct error *error)
{
    unsigned char *p = buf;

    while (size > 0) {
        ssize_t n = getrandom(p, size, 0);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            error_set(error, EX_OSERR, errno, "cannot get random bytes from the kernel");
            return false;
        }
        p += n;
        size -= (size_t)n;
    }
    return true;
}
