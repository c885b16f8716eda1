#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    NOBODY = 65534 /* the kernel's overflow user and group, and Debian's */
};

struct identity {
    uid_t uid;
    gid_t gid;
};

/* Only what may set capabilities (CAP_SETPCAP) may take them from these sets. */
static void drop_from_sets(void)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int set_capabilities(uint64_t keep)
{
    cap_t have = cap_get_proc();
    cap_t want = cap_init();
    int failed = have == NULL || want == NULL ? -1 : 0;

    for (; keep != 0 && failed == 0; keep &= keep - 1) {
        cap_value_t cap = __builtin_ctzll(keep);
        cap_flag_value_t permitted = CAP_CLEAR;

        if (cap_get_flag(have, cap, CAP_PERMITTED, &permitted) == 0 && permitted == CAP_SET)
            failed = cap_set_flag(want, CAP_PERMITTED, 1, &cap, CAP_SET) |
                     cap_set_flag(want, CAP_EFFECTIVE, 1, &cap, CAP_SET);
    }
    if (failed == 0)
        failed = cap_set_proc(want);
    cap_free(have);
    cap_free(want);
    return failed;
}

int privilege_drop_except(uint64_t keep, struct error *error)
{
    drop_from_sets();
    if (set_capabilities(keep) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(error, EX_OSERR, errno, "cannot give up privileges");
    return 0;
}

/* A user or group of sudo's environment; NOBODY where there is none, or it is root. */
static unsigned read_sudo(const char *name)
{
    const char *text = getenv(name);
    char *end;
    unsigned long id;

    if (text == NULL || *text < '0' || *text > '9')
        return NOBODY;
    id = strtoul(text, &end, 10);
    return *end != '\0' || id == 0 || id >= UINT32_MAX ? NOBODY : (unsigned)id;
}

static int find_identity(const char *name, struct identity *out, struct error *error)
{
    const struct passwd *user;

    if (name == NULL) {
        out->uid = read_sudo("SUDO_UID");
        out->gid = out->uid == NOBODY ? NOBODY : read_sudo("SUDO_GID");
        return 0;
    }
    if (geteuid() != 0)
        return error_set(error, EX_NOPERM, 0, "cannot become user %s: only root can", name);
    user = getpwnam(name);
    if (user == NULL)
        return error_set(error, EX_USAGE, 0, "there is no user %s", name);
    *out = (struct identity){user->pw_uid, user->pw_gid};
    return 0;
}

/* Group first: once the user has changed it could not be. */
static int become(const struct identity *who)
{
    if (setgroups(0, NULL) != 0 || setresgid(who->gid, who->gid, who->gid) != 0)
        return -1;
    return setresuid(who->uid, who->uid, who->uid);
}

/* Whether the system does not let this root become anybody: EINVAL where its user namespace has no
 * such group or user, EPERM where root was left without the capabilities for it. */
static bool may_stay(const char *name)
{
    return name == NULL && (errno == EINVAL || errno == EPERM);
}

int privilege_lower(const char *name, uint64_t keep, struct error *error)
{
    struct identity who = {NOBODY, NOBODY};

    if (find_identity(name, &who, error) != 0)
        return -1;
    if (geteuid() == 0) {
        /* Before the user changes, who would have none of the capabilities that this takes. */
        drop_from_sets();
        if (prctl(PR_SET_KEEPCAPS, keep != 0, 0, 0, 0) != 0 ||
            (become(&who) != 0 && !may_stay(name)))
            return error_set(error, EX_OSERR, errno, "cannot become user %s",
                             name == NULL ? "nobody" : name);
    }
    return privilege_drop_except(keep, error);
}

char *privilege_describe(char out[static PRIVILEGE_STRLEN])
{
    cap_t have = cap_get_proc();
    char *text = have != NULL ? cap_to_text(have, NULL) : NULL;
    const char *equals = text != NULL ? strchr(text, '=') : NULL;

    /* "=" or "" is none; "cap_net_bind_service=ep" is one that is permitted and in effect. */
    if (equals == NULL || equals == text)
        snprintf(out, PRIVILEGE_STRLEN, "uid %u, no capabilities", (unsigned)getuid());
    else
        snprintf(out, PRIVILEGE_STRLEN, "uid %u, %s", (unsigned)getuid(), text);
    cap_free(text);
    cap_free(have);
    return out;
}
