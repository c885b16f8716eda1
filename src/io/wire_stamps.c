#include "wire_stamps.h"

#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "hash.h"

/* Packets seen but not yet asked for. When the table is full, a new packet replaces the oldest. */
enum {
    STAMPS = 256,
    SNAP = 2048,
    FILTER_PER_PORT = sizeof " or udp port 65535" - 1,
};

struct stamp {
    bool used;
    nsec when;
    struct endpoint from;
    struct endpoint to;
    size_t size;
    uint64_t digest;
};

struct wire_stamps {
    pcap_t *pcap;
    size_t link_header;
    struct stamp stamps[STAMPS];
    unsigned next;
};

/* "udp port 1 or udp port 2 …", for the caller to free; NULL when memory is out. */
static char *make_filter(const uint16_t *ports, unsigned count)
{
    size_t size = (size_t)count * FILTER_PER_PORT + 1, n = 0;
    char *filter = calloc(1, size);

    for (unsigned i = 0; filter != NULL && i < count; i++)
        n += (size_t)snprintf(filter + n, size - n, "%sudp port %u", i > 0 ? " or " : "", ports[i]);
    return filter;
}

static pcap_t *open_pcap(const uint16_t *ports, unsigned count)
{
    char errbuf[PCAP_ERRBUF_SIZE], *filter = make_filter(ports, count);
    struct bpf_program program;
    pcap_t *pcap = filter != NULL ? pcap_create("any", errbuf) : NULL;
    int locked = 1;
    bool good;

    if (pcap == NULL) {
        free(filter);
        return NULL;
    }
    pcap_set_snaplen(pcap, SNAP);
    pcap_set_immediate_mode(pcap, 1);
    pcap_set_timeout(pcap, 1);
    pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    good = pcap_activate(pcap) >= 0 && pcap_setnonblock(pcap, 1, errbuf) == 0 &&
           pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
    free(filter);
    if (good) {
        good = pcap_setfilter(pcap, &program) == 0;
        /* Nobody sees more through this socket later; a kernel without this option goes on. */
        (void)setsockopt(pcap_fileno(pcap), SOL_SOCKET, SO_LOCK_FILTER, &locked, sizeof locked);
        pcap_freecode(&program);
    }
    if (good && pcap_get_tstamp_precision(pcap) == PCAP_TSTAMP_PRECISION_NANO)
        return pcap;
    pcap_close(pcap);
    return NULL;
}

struct wire_stamps *wire_stamps_open(const uint16_t *ports, unsigned count)
{
    pcap_t *pcap = open_pcap(ports, count);
    struct wire_stamps *w;

    if (pcap == NULL)
        return NULL;
    w = calloc(1, sizeof *w);
    if (w == NULL ||
        (pcap_datalink(pcap) != DLT_LINUX_SLL && pcap_datalink(pcap) != DLT_LINUX_SLL2)) {
        free(w);
        pcap_close(pcap);
        return NULL;
    }
    w->pcap = pcap;
    w->link_header = pcap_datalink(pcap) == DLT_LINUX_SLL ? SLL_HDR_LEN : SLL2_HDR_LEN;
    return w;
}

static void take_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct wire_stamps *w = (struct wire_stamps *)user;
    struct stamp *s = &w->stamps[w->next];
    /* With nanosecond precision tv_usec holds nanoseconds. */
    struct timespec t = {header->ts.tv_sec, header->ts.tv_usec};
    struct udp_datagram d;
    struct wire_fault fault;

    if (header->caplen < w->link_header ||
        !udp4_decode(bytes + w->link_header, header->caplen - w->link_header, true, &d, &fault))
        return;
    *s = (struct stamp){true, clock_from_realtime(&t), d.from,
                        d.to, d.payload_size,          hash_bytes(0, d.payload, d.payload_size)};
    w->next = (w->next + 1) % STAMPS;
}

bool wire_stamps_find(struct wire_stamps *w, const struct udp_message *message, nsec *when)
{
    uint64_t wanted = hash_bytes(0, message->payload, message->size);
    struct stamp *best = NULL;

    pcap_dispatch(w->pcap, -1, take_packet, (u_char *)w);
    for (int i = 0; i < STAMPS; i++) {
        struct stamp *s = &w->stamps[i];

        if (s->used && s->digest == wanted && s->size == message->size &&
            s->from.port == message->from.port && s->to.port == message->to.port &&
            (best == NULL || s->when > best->when))
            best = s;
    }
    if (best == NULL)
        return false;
    best->used = false;
    *when = best->when;
    return true;
}

void wire_stamps_close(struct wire_stamps *w)
{
    if (w == NULL)
        return;
    pcap_close(w->pcap);
    free(w);
}
