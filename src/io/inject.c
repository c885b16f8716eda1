#include "inject.h"

#include <errno.h>
#include <ifaddrs.h>
#include <libnet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

static uint32_t ip4_of(const struct sockaddr *sa)
{
    struct sockaddr_in in;

    if (sa == NULL || sa->sa_family != AF_INET)
        return 0;
    memcpy(&in, sa, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

bool inject_host_has(uint32_t address)
{
    struct ifaddrs *list;
    bool found = false;

    if (address == 0 || getifaddrs(&list) != 0)
        return false;
    for (const struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next) {
        uint32_t own = ip4_of(i->ifa_addr);
        /* All of the loopback's network is the host itself. */
        uint32_t mask = (i->ifa_flags & IFF_LOOPBACK) != 0 ? ip4_of(i->ifa_netmask) : UINT32_MAX;

        found = own != 0 && mask != 0 && ((own ^ address) & mask) == 0;
    }
    freeifaddrs(list);
    return found;
}

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static int set_header(const struct inject *i, const struct udp_options *o, struct error *error)
{
    int fd = i->udp.fd;

    if (o->tos != 0 && !set_int(fd, IPPROTO_IP, IP_TOS, o->tos))
        return error_set(error, EX_OSERR, errno, "cannot set TOS 0x%02x", o->tos);
    /* PROBE sets the bit and leaves the path's MTU to the sender. */
    if (o->dont_fragment && !set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE))
        return error_set(error, EX_OSERR, errno, "cannot set DF");
    if (o->checksum == UDP_CHECKSUM_ZERO && !set_int(fd, SOL_SOCKET, SO_NO_CHECK, 1))
        return error_set(error, EX_OSERR, errno, "cannot leave the UDP checksum out");
    return 0;
}

static int not_permitted(const struct inject *i, const struct inject_config *config, int errnum,
                         struct error *error)
{
    if (i->foreign_port) {
        error_set(error, EX_NOPERM, errnum,
                  "--from-port %u is another program's, and sending from it needs a raw socket",
                  config->from.port);
        return error_hint(error, "as root, or with CAP_NET_RAW; or from another port");
    }
    if (i->spoofed) {
        error_set(error, EX_NOPERM, errnum, "--spoof needs a raw socket");
        return error_hint(error, "as root, or with CAP_NET_RAW; or from an address of this host");
    }
    error_set(error, EX_NOPERM, errnum, "%s needs a raw socket", config->raw_option);
    return error_hint(error, "as root, or with CAP_NET_RAW; without %s a UDP socket sends it",
                      config->raw_option);
}

/* Why there is no raw socket: libnet closes a descriptor that it does not have, and so loses errno.
 */
static int raw_errno(void)
{
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int open_raw(struct inject *i, const struct inject_config *config, struct error *error)
{
    char message[LIBNET_ERRBUF_SIZE];

    i->raw = libnet_init(LIBNET_RAW4_ADV, NULL, message);
    if (i->raw == NULL) {
        int errnum = raw_errno();

        if (errnum == EPERM || errnum == EACCES)
            return not_permitted(i, config, errnum, error);
        return error_set(error, EX_OSERR, errnum, "cannot open a raw socket");
    }
    /* libnet allows broadcasts, which nobody has asked for. */
    set_int(libnet_getfd(i->raw), SOL_SOCKET, SO_BROADCAST, 0);
    return 0;
}

/* Datagrams for a port that we have no socket on. */
static int open_copies(struct inject *i, struct error *error)
{
    i->copies = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (i->copies < 0)
        return error_set(error, errno == EPERM ? EX_NOPERM : EX_OSERR, errno,
                         "cannot receive on another program's port");
    set_int(i->copies, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    return 0;
}

static int refuse_spoofing(const struct inject_config *config, struct error *error)
{
    char address[IP4_STRLEN];

    error_set(error, EX_UNAVAILABLE, 0, "%s is not an address of this host",
              ip4_format(config->from.address, address));
    return error_hint(error, "--from-address with one that is; --spoof sends from it all the same, "
                             "and teredoctl-bubble(1) says what that means");
}

int inject_open(struct inject *i, const struct inject_config *config, struct error *error)
{
    struct endpoint local = config->from;

    *i = (struct inject){.udp = {.fd = -1}, .copies = -1, .from = config->from};
    i->spoofed = config->from.address != 0 && !inject_host_has(config->from.address);
    if (i->spoofed && !config->spoof)
        return refuse_spoofing(config, error);
    /* A spoofed source has a port of ours too, that nobody else here answers on it. */
    if (i->spoofed)
        local.address = 0;
    if (udp_socket_open_at(&i->udp, local, config->towards, error) != 0) {
        /* Port 0 is never in use: then the system has none left. */
        if (errno != EADDRINUSE || local.port == 0)
            return -1;
        i->foreign_port = true;
    } else if (set_header(i, &config->udp, error) != 0) {
        return -1;
    }
    if (!i->foreign_port)
        i->from.port = i->udp.local.port;
    if ((i->spoofed || i->foreign_port || config->raw_option != NULL) &&
        open_raw(i, config, error) != 0)
        return -1;
    return i->foreign_port && config->listen ? open_copies(i, error) : 0;
}

struct endpoint inject_source(const struct inject *i, struct endpoint to)
{
    return (struct endpoint){i->from.address != 0 ? i->from.address : udp_route_source(to),
                             i->from.port};
}

static int send_raw(struct inject *i, const struct craft *c, nsec *when)
{
    uint8_t packet[CRAFT_MAX_SIZE];
    size_t size = craft_encode(c, packet, sizeof packet);

    if (size == 0)
        return EMSGSIZE;
    /* Without a route the system would tell, but of an address that it could not choose. */
    if (c->from.address == 0)
        return ENETUNREACH;
    *when = clock_now();
    errno = 0;
    if (libnet_adv_write_raw_ipv4(i->raw, packet, (uint32_t)size) == (int)size)
        return 0;
    return errno != 0 ? errno : EIO;
}

int inject_send(struct inject *i, const struct craft *c, nsec *when)
{
    uint8_t payload[CRAFT_MAX_PAYLOAD];
    struct writer w = writer_of(payload, sizeof payload);

    *when = clock_now();
    if (i->raw != NULL)
        return send_raw(i, c, when);
    craft_payload(&w, c);
    if (w.failed)
        return EMSGSIZE;
    return udp_socket_send(&i->udp, c->to, c->udp.ttl != 0 ? c->udp.ttl : UDP_DEFAULT_TTL, payload,
                           w.size, when);
}

/* One datagram of the raw socket, headers included; how many bytes, or -1. */
static ssize_t receive_copy(int fd, uint8_t *buf, size_t size, nsec *when)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr align;
    } reference;
    struct iovec iov = {buf, size};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = reference.bytes,
                         .msg_controllen = sizeof reference.bytes};
    ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
    const struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

    *when = clock_now();
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec stamp;

        memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        *when = clock_from_realtime(&stamp);
    }
    return n;
}

static bool receive_foreign(struct inject *i, struct udp_receipt *out,
                            uint8_t buf[static UDP_SOCKET_BUFFER])
{
    struct udp_datagram d;
    struct wire_fault fault;
    ssize_t n;
    nsec when;

    while ((n = receive_copy(i->copies, buf, UDP_SOCKET_BUFFER, &when)) >= 0) {
        /* A checksum that a virtual interface left out is no fault of the packet's. */
        if ((!udp4_decode(buf, (size_t)n, false, &d, &fault) &&
             fault.reason != WIRE_UDP_CHECKSUM) ||
            d.to.port != i->from.port ||
            (!i->spoofed && i->from.address != 0 && d.to.address != i->from.address))
            continue;
        *out =
            (struct udp_receipt){.when = when, .from = d.from, .to = d.to, .size = d.payload_size};
        memmove(buf, d.payload, d.payload_size);
        return true;
    }
    return false;
}

bool inject_receive(struct inject *i, struct udp_receipt *out,
                    uint8_t buf[static UDP_SOCKET_BUFFER])
{
    if (i->udp.fd >= 0)
        return udp_socket_receive(&i->udp, out, buf);
    return i->copies >= 0 && receive_foreign(i, out, buf);
}

unsigned inject_fds(const struct inject *i, int fds[static 2])
{
    unsigned count = 0;

    if (i->udp.fd >= 0)
        fds[count++] = i->udp.fd;
    if (i->copies >= 0)
        fds[count++] = i->copies;
    return count;
}

void inject_close(struct inject *i)
{
    udp_socket_close(&i->udp);
    if (i->copies >= 0)
        close(i->copies);
    if (i->raw != NULL)
        libnet_destroy(i->raw);
    *i = (struct inject){.udp = {.fd = -1}, .copies = -1};
}
