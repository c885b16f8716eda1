/* src/lab/packet_event_pcap.c: the files, read back. */
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "internet.h"
#include "packet_event_pcap.h"
#include "tap.h"
#include "udp.h"

#define T0 (1700000000 * NSEC_S + 123456789)
#define DELAY (10 * NSEC_MS)

static char directory[] = "/tmp/test_lab_pcap.XXXXXX";

static bool deliver(void *context, enum lab_host host, const uint8_t *data, size_t size)
{
    (void)context;
    (void)host;
    (void)data;
    return size > 0;
}

static void observe(void *context, const struct packet_event *packet_event)
{
    packet_event_pcap_add(context, packet_event);
}

static void path_of(const char *name, char out[static 128])
{
    snprintf(out, 128, "%s/%s", directory, name);
}

static void send_at(struct internet *net, enum lab_host host, nsec when, const uint8_t *data,
                    size_t size)
{
    internet_send(net, &(struct lab_frame){host, when, data, size}, when);
    while (internet_deadline(net) != NSEC_NEVER)
        internet_advance(net, internet_deadline(net));
}

/* A datagram from A through both NATs to B, which B's NAT filters; one from B to A, let in; and one
 * to nobody. Returns what closing says. */
static int record(const char *path, bool one_each)
{
    static const struct endpoint a = {0x64400102, 5000}, a_outside = {0xcb00710a, 5000},
                                 b = {0x64400202, 6000}, b_outside = {0xc6336414, 6000},
                                 nobody = {0xc0000209, 9};
    struct error error = {0};
    struct packet_event_pcap *pcap = packet_event_pcap_open(path, one_each, &error);
    struct internet_config c = {.deliver = deliver, .observe = observe, .observe_context = pcap};
    struct internet *net;
    uint8_t data[LAB_MTU];
    size_t size;

    if (pcap == NULL)
        return -1;
    nat_config_parse("port-restricted", &c.nat[LAB_A], &error);
    nat_config_parse("port-restricted", &c.nat[LAB_B], &error);
    for (unsigned i = 0; i < LAB_HOSTS; i++)
        c.link[i].delay = DELAY;
    net = internet_new(&c);
    size = udp4_encode(data, sizeof data, &(struct udp_message){a, b_outside, "from a", 6}, NULL);
    send_at(net, LAB_A, T0, data, size);
    size = udp4_encode(data, sizeof data, &(struct udp_message){b, a_outside, "from b", 6}, NULL);
    send_at(net, LAB_B, T0 + 30 * NSEC_MS, data, size);
    size = udp4_encode(data, sizeof data, &(struct udp_message){a, nobody, "lost", 4}, NULL);
    send_at(net, LAB_A, T0 + 60 * NSEC_MS, data, size);
    internet_free(net);
    return packet_event_pcap_close(pcap, &error);
}

/* The frames of a file, a line each: seconds after T0, the end numbers of source and destination
 * MAC, the size. */
static const char *frames_of(const char *name, char text[static 1024])
{
    char path[128], message[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *frame;
    size_t n = 0;
    pcap_t *file;

    path_of(name, path);
    text[0] = '\0';
    file = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, message);
    if (file == NULL)
        return message[0] != '\0' ? NULL : text;
    while (pcap_next_ex(file, &header, &frame) == 1) {
        nsec when = header->ts.tv_sec * NSEC_S + header->ts.tv_usec;

        n += (size_t)snprintf(text + n, 1024 - n, "%lld %d.%d>%d.%d %u\n",
                              (long long)((when - T0) / NSEC_MS), frame[10], frame[11], frame[4],
                              frame[5], header->len);
    }
    if (pcap_datalink(file) != DLT_EN10MB)
        snprintf(text, 1024, "wrong link type");
    pcap_close(file);
    unlink(path);
    return text;
}

int main(void)
{
    char text[1024], path[128];
    struct error error = {0};

    if (mkdtemp(directory) == NULL)
        return 1;
    path_of("run.pcap", path);
    is_int(record(path, true), 0, "a file for each vantage point is written");
    is_str(frames_of("run-a.pcap", text),
           "0 1.1>1.2 48\n50 1.2>1.1 48\n60 1.1>1.2 46\n80 1.2>1.1 74\n",
           "a's interface sees what a sends and receives");
    is_str(frames_of("run-nat-a.pcap", text),
           "0 1.3>1.4 48\n50 1.4>1.3 48\n60 1.3>1.4 46\n80 1.4>1.3 74\n",
           "the outer side of A's NAT sees what went out, and what comes in");
    is_str(frames_of("run-nat-b.pcap", text), "20 2.4>2.3 48\n30 2.3>2.4 48\n",
           "the outer side of B's NAT sees what B's NAT discards");
    is_str(frames_of("run-b.pcap", text), "30 2.1>2.2 48\n", "b's interface does not");
    is_str(frames_of("run-s1.pcap", text), "", "s1's interface saw nothing");
    is_str(frames_of("run-s2.pcap", text), "", "s2's interface saw nothing");

    path_of("all", path);
    is_int(record(path, false), 0, "one file for all vantage points is written");
    is_str(frames_of("all", text),
           "0 1.1>1.2 48\n0 1.3>1.4 48\n20 2.4>2.3 48\n30 2.1>2.2 48\n30 2.3>2.4 48\n"
           "50 1.4>1.3 48\n50 1.2>1.1 48\n60 1.1>1.2 46\n60 1.3>1.4 46\n80 1.4>1.3 74\n"
           "80 1.2>1.1 74\n",
           "in order, and the addresses tell the vantage points apart");

    path_of("no/such/directory", path);
    ok(packet_event_pcap_open(path, false, &error) == NULL && error.status == EX_CANTCREAT,
       "a file that cannot be created is told");
    rmdir(directory);
    is_int(record("/dev/full", false), -1, "a file that cannot be written is told at the end");
    return done_testing();
}
