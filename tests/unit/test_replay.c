/* Captures into an engine: in one order of time, with clocks compared, and damage told last. */
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "replay.h"
#include "tap.h"

enum {
    ROOM = 512,
    PACKETS = 40
};

#define START (INT64_C(1700000000) * NSEC_S)
#define AHEAD (5 * NSEC_S)

static const struct endpoint a = {0xcb00710a, 40001}, b = {0xc6336414, 40001};

/* An engine that writes down what it is fed. */
struct tape {
    struct engine engine;
    struct observation fed[ROOM];
    uint32_t nonce[ROOM];
    unsigned count, timers;
    bool stopped, timer_asked;
    unsigned enough; /* ends after so many; 0 = never */
};

static void observe(struct engine *engine, const struct observation *o, struct outbox *out)
{
    struct tape *t = (struct tape *)engine;

    if (o->kind == OBSERVED_TIMER) {
        t->timers++;
        t->timer_asked = false;
        return;
    }
    t->stopped = o->kind == OBSERVED_STOP;
    if (o->kind == OBSERVED_STOP || t->count == ROOM)
        return;
    t->fed[t->count] = *o;
    teredo_trailer_nonce(o->packet, &t->nonce[t->count++]);
    if (t->count == t->enough)
        outbox_done(out);
}

static nsec deadline(const struct engine *engine)
{
    return ((const struct tape *)engine)->timer_asked ? START + NSEC_S / 2 : NSEC_NEVER;
}

static const struct engine_ops tape_ops = {observe, deadline, NULL};

struct heard {
    unsigned clocks;
    struct clock_match fit;
};

static void emit(void *context, const struct event *event)
{
    struct heard *h = context;

    if (event->kind == EVENT_CLOCK) {
        h->clocks++;
        h->fit = event->clock.fit;
    }
}

struct writer_of_captures {
    char path[32];
    int fd;
    pcap_t *pcap;
    pcap_dumper_t *dumper;
};

static struct writer_of_captures create(void)
{
    struct writer_of_captures w = {.path = "/tmp/test_replay.XXXXXX"};

    w.fd = mkstemp(w.path);
    w.pcap = pcap_open_dead_with_tstamp_precision(DLT_RAW, 65535, PCAP_TSTAMP_PRECISION_NANO);
    w.dumper = w.fd < 0 || w.pcap == NULL ? NULL : pcap_dump_fopen(w.pcap, fdopen(dup(w.fd), "wb"));
    if (w.dumper == NULL)
        abort();
    return w;
}

static void add(struct writer_of_captures *w, nsec when, struct endpoint from, struct endpoint to,
                uint8_t ttl, uint32_t nonce)
{
    struct teredo_addr t = {TEREDO_PREFIX, 0xc0000201, 0x1234, to};
    struct in6_addr source = {.s6_addr = {0xfe, 0x80, [15] = 1}}, destination;
    uint8_t payload[128], frame[256], trailer[4];
    struct writer out = writer_of(payload, sizeof payload);
    struct pcap_pkthdr header = {.ts = {.tv_sec = when / NSEC_S, .tv_usec = when % NSEC_S}};
    struct teredo_packet p;
    uint16_t checksum;
    size_t n;

    teredo_addr_encode(&t, &destination);
    teredo_make_bubble(&p, &source, &destination);
    teredo_add_nonce_trailer(&p, nonce, trailer);
    teredo_encode(&out, &p);
    n = udp4_encode(frame, sizeof frame, &(struct udp_message){from, to, payload, out.size}, NULL);
    frame[8] = ttl;
    frame[10] = frame[11] = 0;
    checksum = checksum_finish(checksum_add(0, frame, 20));
    frame[10] = (uint8_t)(checksum >> 8);
    frame[11] = (uint8_t)checksum;
    header.caplen = header.len = (bpf_u_int32)n;
    pcap_dump((u_char *)w->dumper, &header, frame);
}

/* To be read, without its last CUT bytes. */
static struct capture *finish(struct writer_of_captures *w, long cut)
{
    static const struct capture_control control = {.loop = NULL};
    struct capture *capture;
    struct error error;

    pcap_dump_close(w->dumper);
    pcap_close(w->pcap);
    if (ftruncate(w->fd, lseek(w->fd, 0, SEEK_END) - cut) != 0)
        abort();
    capture = capture_open(w->path, &control, &error);
    close(w->fd);
    unlink(w->path);
    if (capture == NULL)
        abort();
    return capture;
}

/* Both ends of PACKETS bubbles, 20 ms apart; the second clock is ahead, and the second capture is
 * cut by CUT bytes. */
static int replay_two(struct tape *tape, struct heard *heard, long cut, struct error *error)
{
    struct writer_of_captures first = create(), second = create();
    struct teredo_flows_config config = {.flows = 100};
    struct replay replay = {
        .count = 2, .seed = 5, .capture_reader = {.teredo_flows = teredo_flows_new(&config)}};
    int result;

    for (uint32_t i = 0; i < PACKETS; i++) {
        nsec when = START + i * 30 * NSEC_MS, late = when + 20 * NSEC_MS;
        bool there = i % 2 == 0;

        add(&first, there ? when : late, there ? a : b, there ? b : a, there ? 64 : 62, 1 + i);
        add(&second, AHEAD + (there ? late : when), there ? a : b, there ? b : a, there ? 62 : 64,
            1 + i);
    }
    replay.sources[0].capture = finish(&first, 0);
    replay.sources[1].capture = finish(&second, cut);
    tape->engine.ops = &tape_ops;
    result = replay_run(&replay, &tape->engine, &(struct event_sink){emit, heard}, error);
    for (unsigned i = 0; i < 2; i++)
        capture_close(replay.sources[i].capture);
    teredo_flows_free(replay.capture_reader.teredo_flows);
    return result;
}

static void test_merge(void)
{
    static struct tape tape;
    struct heard heard = {0};
    struct error error;
    unsigned disorder = 0, pairs = 0;

    tape = (struct tape){.timer_asked = true};
    is_int(replay_two(&tape, &heard, 0, &error), 0, "two captures are replayed");
    is_int(tape.count, 2 * PACKETS, "all of both is fed");
    ok(tape.stopped, "then a stop");
    is_int(heard.clocks, 1, "one clock is compared");
    ok(heard.fit.bounded && heard.fit.packets == PACKETS, "by all packets");
    ok(heard.fit.error >= 20 * NSEC_MS && heard.fit.error < 25 * NSEC_MS &&
           llabs(heard.fit.offset + AHEAD) <= heard.fit.error,
       "it is as far ahead as it is, within the error");
    for (unsigned i = 1; i < tape.count; i++) {
        disorder += tape.fed[i].when < tape.fed[i - 1].when;
        pairs += tape.nonce[i] == tape.nonce[i - 1] &&
                 tape.fed[i].vantage != tape.fed[i - 1].vantage && tape.fed[i].ttl == 62 &&
                 tape.fed[i - 1].ttl == 64;
    }
    is_int(disorder, 0, "in the order of time");
    is_int(pairs, PACKETS, "each packet where it leaves, and then where it arrives");
    ok(tape.timers >= 2 && !tape.timer_asked, "a timer for each, when it is due");
}

static void test_damage(void)
{
    static struct tape tape;
    struct heard heard = {0};
    struct error error;
    unsigned from[2] = {0};

    tape = (struct tape){0};
    is_int(replay_two(&tape, &heard, 10, &error), -1, "damage to the second capture is told");
    is_int(error.status, EX_DATAERR, "as that");
    for (unsigned i = 0; i < tape.count; i++)
        from[tape.fed[i].vantage]++;
    is_int(from[0], PACKETS, "after all of the first");
    is_int(from[1], PACKETS - 1, "and all of the second that is whole");
    ok(tape.stopped, "and the stop");
}

static void test_end(void)
{
    static struct tape tape;
    struct heard heard = {0};
    struct error error;

    tape = (struct tape){.enough = 5};
    is_int(replay_two(&tape, &heard, 0, &error), 0, "an engine that has enough ends it");
    ok(tape.count == 5 && !tape.stopped, "at once");
}

int main(void)
{
    test_merge();
    test_damage();
    test_end();
    return done_testing();
}
