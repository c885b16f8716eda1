#include "packet_event_pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cursor.h"
#include "pcap_writer.h"

enum {
    MAC_LENGTH = 6,
    HEADER_SIZE = 14,
    TYPE_IP4 = 0x0800,
};

enum vantage {
    VANTAGE_A,
    VANTAGE_B,
    VANTAGE_S1,
    VANTAGE_S2,
    VANTAGE_NAT_A,
    VANTAGE_NAT_B,
    VANTAGE_COUNT
};

static const char *const vantage_names[VANTAGE_COUNT] = {
    [VANTAGE_A] = "a",         [VANTAGE_NAT_A] = "nat-a", [VANTAGE_B] = "b",
    [VANTAGE_NAT_B] = "nat-b", [VANTAGE_S1] = "s1",       [VANTAGE_S2] = "s2",
};

struct packet_event_pcap {
    struct pcap_writer *writers[VANTAGE_COUNT]; /* the first alone if there is one file */
    bool one_each;
};

/* "dir/run.pcap" and "a" give "dir/run-a.pcap". */
static char *vantage_path(const char *path, const char *name)
{
    const char *base = strrchr(path, '/');
    const char *dot = strrchr(base == NULL ? path : base, '.');
    size_t stem = dot == NULL ? strlen(path) : (size_t)(dot - path);
    char *result = NULL;

    if (asprintf(&result, "%.*s-%s%s", (int)stem, path, name, path + stem) < 0)
        return NULL;
    return result;
}

static int open_files(struct packet_event_pcap *p, const char *given, struct error *error)
{
    for (unsigned i = 0; i < (p->one_each ? VANTAGE_COUNT : 1); i++) {
        char *path = p->one_each ? vantage_path(given, vantage_names[i]) : strdup(given);

        if (path == NULL)
            return error_set(error, EX_OSERR, errno, "cannot allocate memory");
        p->writers[i] = pcap_writer_open(path, PCAP_WRITER_ETHERNET, error);
        free(path);
        if (p->writers[i] == NULL)
            return -1;
    }
    return 0;
}

struct packet_event_pcap *packet_event_pcap_open(const char *path, bool one_each,
                                                 struct error *error)
{
    struct packet_event_pcap *p = calloc(1, sizeof *p);
    struct error ignored;

    if (p == NULL) {
        error_set(error, EX_OSERR, errno, "cannot allocate memory");
        return NULL;
    }
    p->one_each = one_each;
    if (open_files(p, path, error) == 0)
        return p;
    packet_event_pcap_close(p, &ignored);
    return NULL;
}

static void write_mac(struct writer *w, enum lab_host host, uint8_t end)
{
    const uint8_t mac[MAC_LENGTH] = {0x02, 'T', 'E', 'R', (uint8_t)(host + 1), end};

    writer_bytes(w, mac, sizeof mac);
}

static void dump(struct packet_event_pcap *p, enum vantage vantage,
                 const struct packet_event *packet_event, const uint8_t *data)
{
    uint8_t frame[HEADER_SIZE + LAB_MTU];
    struct writer w = writer_of(frame, sizeof frame);
    bool outer = vantage >= VANTAGE_NAT_A;

    /* Destination, then source; inward, the destination is the end nearer to the host. */
    write_mac(&w, packet_event->host, (uint8_t)((outer ? 3 : 1) + !packet_event->inward));
    write_mac(&w, packet_event->host, (uint8_t)((outer ? 3 : 1) + packet_event->inward));
    writer_u16(&w, TYPE_IP4);
    writer_bytes(&w, data, packet_event->size);
    if (!w.failed)
        pcap_writer_add_packet(p->writers[p->one_each ? vantage : 0], packet_event->when, frame,
                               w.size);
}

static bool is_host(enum place place)
{
    return place != PLACE_CORE && place != PLACE_NAT_A && place != PLACE_NAT_B;
}

void packet_event_pcap_add(struct packet_event_pcap *p, const struct packet_event *packet_event)
{
    enum vantage outer = packet_event->place == PLACE_NAT_A ? VANTAGE_NAT_A : VANTAGE_NAT_B;
    bool at_nat = packet_event->place == PLACE_NAT_A || packet_event->place == PLACE_NAT_B;

    if (packet_event->size == 0)
        return;
    switch (packet_event->kind) {
    case PACKET_EVENT_SENT:
        if (is_host(packet_event->place))
            dump(p, (enum vantage)packet_event->host, packet_event, packet_event->data);
        else if (at_nat && !packet_event->inward)
            dump(p, outer, packet_event, packet_event->data);
        break;
    case PACKET_EVENT_NAT:
        /* A hairpinned packet never reaches the outer side. */
        if (packet_event->nat == NULL || packet_event->nat->verdict != NAT_HAIRPIN)
            dump(p, outer, packet_event,
                 packet_event->inward ? packet_event->before : packet_event->data);
        break;
    case PACKET_EVENT_DISCARDED:
        if (at_nat && packet_event->inward)
            dump(p, outer, packet_event, packet_event->before);
        break;
    case PACKET_EVENT_DELIVERED:
        dump(p, (enum vantage)packet_event->host, packet_event, packet_event->data);
        break;
    case PACKET_EVENT_FORWARDED:
    case PACKET_EVENT_DUPLICATED:
    case PACKET_EVENT_LOST:
        break;
    }
}

int packet_event_pcap_close(struct packet_event_pcap *p, struct error *error)
{
    struct error later; /* the first failure is told */
    int result = 0;

    for (unsigned i = 0; i < VANTAGE_COUNT; i++)
        if (p->writers[i] != NULL &&
            pcap_writer_close(p->writers[i], result == 0 ? error : &later) != 0)
            result = -1;
    free(p);
    return result;
}
