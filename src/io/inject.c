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
    i->copies.fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (i->copies.fd < 0)
        return error_set(error, errno == EPERM ? EX_NOPERM : EX_OSERR, errno,
                         "cannot receive on another program's port");
    i->copies.local = i->from;
    i->copies.has_stamps = set_int(i->copies.fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
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
    struct port_config port = {
        .use = PORT_CLIENT, .local = config->from, .towards = config->towards};

    *i = (struct inject){
        .udp = {.fd = -1}, .copies = {.fd = -1}, .route = {.fd = -1}, .from = config->from};
    route_open(&i->route);
    i->spoofed = config->from.address != 0 && !inject_host_has(config->from.address);
    if (i->spoofed && !config->spoof)
        return refuse_spoofing(config, error);
    /* A spoofed source has a port of ours too, that nobody else here answers on it. */
    if (i->spoofed)
        port.local.address = 0;
    if (port_open(&i->udp, &port, error) != 0) {
        /* Port 0 is never in use: then the system has none left. */
        if (errno != EADDRINUSE || port.local.port == 0)
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
    return (struct endpoint){i->from.address != 0 ? i->from.address : route_source(&i->route, to),
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
    return port_send(&i->udp, &(struct udp_message){i->udp.local, c->to, payload, w.size},
                     c->udp.ttl != 0 ? c->udp.ttl : UDP_DEFAULT_TTL, when);
}

/* Makes a datagram of what a raw socket gives, headers included; false if it is for another port. A
 * checksum that a virtual interface left out is no fault of the packet's. */
static bool strip_headers(const struct inject *i, struct port_receipt *r)
{
    struct udp_datagram d;
    struct wire_fault fault;

    if ((!udp4_decode(r->bytes, r->size, false, &d, &fault) && fault.reason != WIRE_UDP_CHECKSUM) ||
        d.to.port != i->from.port ||
        (!i->spoofed && i->from.address != 0 && d.to.address != i->from.address))
        return false;
    r->from = d.from;
    r->to = d.to;
    r->size = d.payload_size;
    r->bytes += d.payload - r->bytes;
    return true;
}

int inject_receive(struct inject *i, struct port_batch *b, struct error *error)
{
    unsigned kept = 0;

    if (i->udp.fd >= 0)
        return port_receive(&i->udp, b, PORT_BATCH, error);
    b->count = 0;
    if (i->copies.fd >= 0 && port_receive(&i->copies, b, PORT_BATCH, error) < 0)
        return -1;
    for (unsigned n = 0; n < b->count; n++) {
        struct port_receipt r = b->receipts[n];

        if (strip_headers(i, &r))
            b->receipts[kept++] = r;
    }
    b->count = kept;
    return (int)kept;
}

int inject_fd(const struct inject *i)
{
    return i->udp.fd >= 0 ? i->udp.fd : i->copies.fd;
}

void inject_close(struct inject *i)
{
    port_close(&i->udp);
    port_close(&i->copies);
    route_close(&i->route);
    if (i->raw != NULL)
        libnet_destroy(i->raw);
    *i = (struct inject){.udp = {.fd = -1}, .copies = {.fd = -1}, .route = {.fd = -1}};
}
