#include "batch.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int bind_error(struct endpoint local, int errnum, struct error *error)
{
    char text[ENDPOINT_STRLEN], address[IP4_STRLEN];

    endpoint_format(local, text);
    ip4_format(local.address, address);
    switch (errnum) {
    case EADDRNOTAVAIL:
        error_set(error, EX_UNAVAILABLE, 0,
                  "cannot listen on %s: %s is not an address of this host", text, address);
        return error_hint(error,
                          "`ip -4 address`, which lists those it has; to add one: `ip address "
                          "add %s/32 dev lo`",
                          address);
    case EADDRINUSE:
        error_set(error, EX_UNAVAILABLE, 0, "cannot listen on %s: another program has this port",
                  text);
        return error_hint(error, "`ss -ulpn sport = %u` shows it; stop it, or choose another port",
                          local.port);
    case EACCES:
        error_set(error, EX_NOPERM, errnum, "cannot listen on %s", text);
        return error_hint(error, "ports below 1024 are for root (CAP_NET_BIND_SERVICE)");
    default:
        return error_set(error, EX_OSERR, errnum, "cannot listen on %s", text);
    }
}

static void set_int(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

int batch_open(struct endpoint local, int buffer, struct error *error)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(local.port),
                             .sin_addr.s_addr = htonl(local.address)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return error_set(error, EX_OSERR, errno, "cannot open a UDP socket");
    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        int errnum = errno;

        close(fd);
        return bind_error(local, errnum, error);
    }
    /* None of these is needed to work. Those with force go beyond the system's limit, for root. RFC
     * 4380 5.1.2: the don't fragment bit stays off. */
    set_int(fd, SOL_SOCKET, SO_RCVBUF, buffer);
    set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer);
    set_int(fd, SOL_SOCKET, SO_SNDBUF, buffer);
    set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, buffer);
    set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    return fd;
}

void batch_in_init(struct batch_in *b)
{
    b->count = 0;
    memset(b->messages, 0, sizeof b->messages);
    for (unsigned i = 0; i < BATCH_SIZE; i++) {
        b->vectors[i] = (struct iovec){b->data[i], sizeof b->data[i]};
        b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->sources[i],
                                                 .msg_namelen = sizeof b->sources[i],
                                                 .msg_iov = &b->vectors[i],
                                                 .msg_iovlen = 1};
    }
}

void batch_out_init(struct batch_out *b)
{
    b->count = 0;
    memset(b->messages, 0, sizeof b->messages);
    for (unsigned i = 0; i < BATCH_SIZE; i++) {
        b->destinations[i] = (struct sockaddr_in){.sin_family = AF_INET};
        b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->destinations[i],
                                                 .msg_namelen = sizeof b->destinations[i],
                                                 .msg_iov = &b->vectors[i],
                                                 .msg_iovlen = 1};
    }
}

unsigned batch_receive(struct batch_in *b, int fd, unsigned limit)
{
    int n;

    do
        n = recvmmsg(fd, b->messages, limit < BATCH_SIZE ? limit : BATCH_SIZE, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    b->count = n < 0 ? 0 : (unsigned)n;
    for (unsigned i = 0; i < b->count; i++)
        b->messages[i].msg_hdr.msg_namelen = sizeof b->sources[i];
    return b->count;
}

void batch_add(struct batch_out *b, struct endpoint to, const uint8_t *data, size_t size)
{
    unsigned i = b->count++;

    b->destinations[i].sin_port = htons(to.port);
    b->destinations[i].sin_addr.s_addr = htonl(to.address);
    b->vectors[i] = (struct iovec){(void *)data, size};
}

unsigned batch_flush(struct batch_out *b, int fd,
                     void (*failed)(void *context, struct endpoint to, int errnum), void *context)
{
    unsigned sent = 0, done = 0;

    while (done < b->count) {
        int n = sendmmsg(fd, b->messages + done, b->count - done, MSG_DONTWAIT);

        if (n > 0) {
            sent += (unsigned)n;
            done += (unsigned)n;
        } else if (errno != EINTR) {
            /* The error is the first one's alone. */
            if (failed != NULL)
                failed(context,
                       (struct endpoint){ntohl(b->destinations[done].sin_addr.s_addr),
                                         ntohs(b->destinations[done].sin_port)},
                       errno);
            done++;
        }
    }
    b->count = 0;
    return sent;
}
