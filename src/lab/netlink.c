#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

unsigned if_nametoindex(const char *name); /* <net/if.h> and <linux/if.h> do not go together */

struct netlink {
    struct mnl_socket *socket;
    uint32_t sequence;
    char buffer[4096]; /* the request, then the answer */
};

struct netlink *netlink_open(struct error *error)
{
    struct netlink *nl = calloc(1, sizeof *nl);

    if (nl == NULL) {
        error_set(error, EX_OSERR, errno, "cannot allocate memory");
        return NULL;
    }
    nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (nl->socket != NULL && mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) == 0)
        return nl;
    error_set(error, EX_OSERR, errno, "cannot open a netlink socket");
    netlink_close(nl);
    return NULL;
}

void netlink_close(struct netlink *nl)
{
    if (nl == NULL)
        return;
    if (nl->socket != NULL)
        mnl_socket_close(nl->socket);
    free(nl);
}

static struct nlmsghdr *request(struct netlink *nl, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(nl->buffer);

    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    message->nlmsg_seq = ++nl->sequence;
    return message;
}

/* Sends the request and waits for its acknowledgement; WHAT and NAME are for the error. On failure
 * errno is the kernel's answer. */
static int carry_out(struct netlink *nl, const struct nlmsghdr *message, const char *what,
                     const char *name, struct error *error)
{
    unsigned port = mnl_socket_get_portid(nl->socket);
    ssize_t n = mnl_socket_sendto(nl->socket, message, message->nlmsg_len);
    int more = MNL_CB_OK;
    int answer;

    while (n >= 0 && more > MNL_CB_STOP) {
        n = mnl_socket_recvfrom(nl->socket, nl->buffer, sizeof nl->buffer);
        if (n >= 0)
            more = mnl_cb_run(nl->buffer, (size_t)n, nl->sequence, port, NULL, NULL);
    }
    if (n >= 0 && more >= MNL_CB_STOP)
        return 0;
    answer = errno;
    error_set(error, EX_OSERR, answer, "cannot %s %s of the lab", what, name);
    if (answer == EOPNOTSUPP)
        error_hint(error, "the kernel needs veth (CONFIG_VETH; modprobe veth)");
    errno = answer;
    return -1;
}

static void put_end(struct nlmsghdr *message, const struct veth_end *end)
{
    mnl_attr_put_strz(message, IFLA_IFNAME, end->name);
    mnl_attr_put(message, IFLA_ADDRESS, MAC_SIZE, end->mac);
}

int netlink_add_veth(struct netlink *nl, const struct veth_end *own, const struct veth_end *peer,
                     int peer_ns, struct error *error)
{
    struct nlmsghdr *message = request(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct nlattr *info, *data, *other;

    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    put_end(message, own);
    info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    other = mnl_attr_nest_start(message, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    put_end(message, peer);
    mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)peer_ns);
    mnl_attr_nest_end(message, other);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    return carry_out(nl, message, "make the interface", own->name, error);
}

/* The index of an interface of the current namespace; 0 and ERROR. */
static unsigned index_of(const char *name, struct error *error)
{
    unsigned index = if_nametoindex(name);

    if (index == 0)
        error_set(error, EX_OSERR, errno, "cannot find the interface %s of the lab", name);
    return index;
}

int netlink_no_ip6(struct netlink *nl, const char *name, struct error *error)
{
    struct nlmsghdr *message = request(nl, RTM_NEWLINK, 0);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(message, sizeof *link);
    struct nlattr *families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
    struct nlattr *inet6 = mnl_attr_nest_start(message, AF_INET6);
    unsigned index = index_of(name, error);
    struct error refusal;

    if (index == 0)
        return -1;
    mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(message, inet6);
    mnl_attr_nest_end(message, families);
    link->ifi_index = (int)index;
    /* A kernel without IPv6 knows no such family, and needs not be told. */
    if (carry_out(nl, message, "keep IPv6 off the interface", name, &refusal) == 0 ||
        errno == EAFNOSUPPORT)
        return 0;
    *error = refusal;
    return -1;
}

int netlink_up(struct netlink *nl, const char *name, struct error *error)
{
    struct nlmsghdr *message = request(nl, RTM_NEWLINK, 0);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(message, sizeof *link);
    unsigned index = index_of(name, error);

    if (index == 0)
        return -1;
    link->ifi_index = (int)index;
    link->ifi_flags = link->ifi_change = IFF_UP | IFF_NOARP;
    return carry_out(nl, message, "bring up the interface", name, error);
}

int netlink_add_address(struct netlink *nl, const char *name, uint32_t address, struct error *error)
{
    struct nlmsghdr *message = request(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(message, sizeof *a);
    unsigned index = index_of(name, error);

    if (index == 0)
        return -1;
    a->ifa_family = AF_INET;
    a->ifa_prefixlen = 32;
    a->ifa_index = index;
    mnl_attr_put_u32(message, IFA_LOCAL, htonl(address));
    mnl_attr_put_u32(message, IFA_ADDRESS, htonl(address));
    return carry_out(nl, message, "add an address to the interface", name, error);
}

int netlink_add_default_route(struct netlink *nl, const char *name, uint32_t source,
                              struct error *error)
{
    struct nlmsghdr *message = request(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof *route);
    unsigned index = index_of(name, error);

    if (index == 0)
        return -1;
    route->rtm_family = AF_INET;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_STATIC;
    route->rtm_scope = RT_SCOPE_LINK;
    route->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(message, RTA_OIF, index);
    mnl_attr_put_u32(message, RTA_PREFSRC, htonl(source));
    return carry_out(nl, message, "add the default route over", name, error);
}

int netlink_no_offload(const char *name, struct error *error)
{
    static const uint32_t commands[] = {ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_SSG,
                                        ETHTOOL_STSO,    ETHTOOL_SGSO,    ETHTOOL_SGRO};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int failed = fd < 0;

    for (size_t i = 0; i < sizeof commands / sizeof *commands && !failed; i++) {
        struct ethtool_value value = {.cmd = commands[i]};
        struct ifreq ask = {.ifr_data = (void *)&value};

        strncpy(ask.ifr_name, name, sizeof ask.ifr_name - 1);
        failed = ioctl(fd, SIOCETHTOOL, &ask) < 0 && errno != EOPNOTSUPP;
    }
    if (failed)
        error_set(error, EX_OSERR, errno, "cannot turn off checksum offload of %s", name);
    if (fd >= 0)
        close(fd);
    return failed ? -1 : 0;
}
