#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

int privilege_drop_except(const int *keep, size_t count, struct error *error)
{
    cap_t have = cap_get_proc();
    cap_t want = cap_init();
    int failed = have == NULL || want == NULL ? -1 : 0;

    for (size_t i = 0; i < count && failed == 0; i++) {
        cap_value_t cap = keep[i];
        cap_flag_value_t permitted = CAP_CLEAR;

        if (cap_get_flag(have, cap, CAP_PERMITTED, &permitted) == 0 && permitted == CAP_SET)
            failed = cap_set_flag(want, CAP_PERMITTED, 1, &cap, CAP_SET) |
                     cap_set_flag(want, CAP_EFFECTIVE, 1, &cap, CAP_SET);
    }
    if (failed == 0)
        failed = cap_set_proc(want);
    if (failed == 0)
        failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (failed != 0)
        error_set(error, EX_OSERR, errno, "cannot give up privileges");
    cap_free(have);
    cap_free(want);
    return failed != 0 ? -1 : 0;
}

int privilege_drop(struct error *error)
{
    return privilege_drop_except(NULL, 0, error);
}

int privilege_become(const char *name, struct error *error)
{
    uid_t uid = 65534;
    gid_t gid = 65534;
    const struct passwd *user;

    if (geteuid() != 0) {
        if (name == NULL)
            return 0;
        return error_set(error, EX_NOPERM, 0, "cannot become user %s: only root can", name);
    }
    user = getpwnam(name == NULL ? "nobody" : name);
    if (user == NULL && name != NULL)
        return error_set(error, EX_USAGE, 0, "there is no user %s", name);
    if (user != NULL) {
        uid = user->pw_uid;
        gid = user->pw_gid;
    }
    /* Group first: once the user has changed it could not be. EINVAL: the user namespace has no
     * such group; EPERM: this root was left without CAP_SETGID. */
    if (setresgid(gid, gid, gid) != 0) {
        if (name == NULL && (errno == EINVAL || errno == EPERM))
            return 0;
        return error_set(error, EX_OSERR, errno, "cannot become group %u of user %s", (unsigned)gid,
                         name == NULL ? "nobody" : name);
    }
    if (setgroups(0, NULL) != 0)
        return error_set(error, EX_OSERR, errno, "cannot leave the supplementary groups");
    if (setresuid(uid, uid, uid) != 0)
        return error_set(error, EX_OSERR, errno, "cannot become user %s",
                         name == NULL ? "nobody" : name);
    return 0;
}
