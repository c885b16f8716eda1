#include "address_watch.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One message of the kernel's. */
static void take(const struct address_watch *w, const struct nlmsghdr *message)
{
    const struct ifaddrmsg *address = NLMSG_DATA(message);
    int left = (int)IFA_PAYLOAD(message);
    uint32_t local;

    if ((message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR) ||
        message->nlmsg_len < NLMSG_LENGTH(sizeof *address) || address->ifa_family != AF_INET)
        return;
    for (const struct rtattr *a = IFA_RTA(address); RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFA_LOCAL && RTA_PAYLOAD(a) == sizeof local) {
            memcpy(&local, RTA_DATA(a), sizeof local);
            w->changed(w->context, ntohl(local),
                       message->nlmsg_type == RTM_NEWADDR ? ADDRESS_CAME : ADDRESS_GONE);
        }
}

static int ready(void *context, struct pollfd which, struct error *error)
{
    const struct address_watch *w = context;
    _Alignas(struct nlmsghdr) char buffer[8192];
    struct sockaddr_nl from = {.nl_pid = 1}; /* the kernel's is 0 */
    socklen_t size = sizeof from;
    ssize_t n =
        recvfrom(which.fd, buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
    unsigned left = n > 0 && from.nl_pid == 0 ? (unsigned)n : 0;

    (void)error;
    for (const struct nlmsghdr *m = (const struct nlmsghdr *)buffer; NLMSG_OK(m, left);
         m = NLMSG_NEXT(m, left))
        take(w, m);
    return 0;
}

int address_watch_open(struct address_watch *w, struct loop *loop, struct error *error)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
    struct loop_watch watch = {.events = POLLIN, .ready = ready, .context = w};

    w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (w->fd >= 0 && bind(w->fd, (struct sockaddr *)&groups, sizeof groups) != 0)
        address_watch_close(w);
    if (w->fd < 0)
        return 0;
    watch.fd = w->fd;
    return loop_watch(loop, &watch, error);
}

void address_watch_close(struct address_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}
