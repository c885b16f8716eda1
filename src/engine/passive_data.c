#include "passive_data.h"

#include <string.h>

#include "bytes.h"
#include "cursor.h"

enum {
    PROTOCOL_TCP = 6,
    TCP_HEADER_SIZE = 20,
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_ACK = 0x10,
};

/* What of a packet tells whether it answers another, and is answered. */
struct gist {
    bool can_be_answered, can_answer;
    uint32_t own[TALK_WORDS];    /* the mark to be answered */
    uint32_t answer[TALK_WORDS]; /* the mark that it answers: all but the last word must agree */
    uint32_t acknowledged;       /* TCP: the byte after the last one that arrived */
};

static void read_echo(const struct teredo_packet *packet, struct gist *g)
{
    uint32_t id = packet->icmp6.echo.id, sequence = packet->icmp6.echo.sequence;
    uint32_t words[TALK_WORDS] = {IP_PROTOCOL_ICMP6, id, sequence};

    g->can_be_answered = packet->kind == TEREDO_ECHO_REQUEST;
    g->can_answer = packet->kind == TEREDO_ECHO_REPLY;
    memcpy(g->own, words, sizeof words);
    memcpy(g->answer, words, sizeof words);
}

/* RFC 9293 3.1. What carries a byte of the sequence can be acknowledged. */
static void read_tcp(const struct teredo_packet *packet, struct gist *g)
{
    struct reader r = reader_of(packet->payload, packet->payload_size);
    const uint8_t *h = reader_take(&r, TCP_HEADER_SIZE);
    size_t header;
    uint32_t from, to;

    if (h == NULL)
        return;
    from = load_u16(h);
    to = load_u16(h + 2);
    header = (size_t)(h[12] >> 4) * 4;
    g->can_be_answered = (h[13] & (TCP_SYN | TCP_FIN)) != 0 || packet->ip6.payload_length > header;
    g->can_answer = (h[13] & TCP_ACK) != 0;
    g->own[0] = g->answer[0] = PROTOCOL_TCP;
    g->own[1] = from << 16 | to;
    g->answer[1] = to << 16 | from;
    g->own[TALK_WORDS - 1] = load_u32(h + 4);
    g->acknowledged = load_u32(h + 8);
}

static bool answers(const struct gist *g, const struct talk_mark *m)
{
    if (!m->set || memcmp(g->answer, m->words, sizeof m->words - sizeof *m->words) != 0)
        return false;
    if (g->answer[0] != PROTOCOL_TCP)
        return true;
    return (int32_t)(g->acknowledged - m->words[TALK_WORDS - 1]) > 0;
}

static void note_exchange(struct passive_talk *t, const struct talk_mark *request,
                          const struct observation *o, unsigned asker, const struct step_view *view)
{
    /* Frames of a capture are not always in the order of their times. */
    nsec rtt = o->vantage == request->vantage ? nsec_max(0, o->when - request->when) : 0;

    t->answered[asker] = true;
    /* The first exchange counts, and of its sights the one next to who asked: there the answer
     * takes longest. */
    if (t->has_exchange &&
        (rtt <= t->rtt || memcmp(t->exchange, request->words, sizeof t->exchange) != 0))
        return;
    t->has_exchange = true;
    memcpy(t->exchange, request->words, sizeof t->exchange);
    t->initiator_asked = asker == 0;
    t->request = request->view;
    t->reply = *view;
    t->rtt = rtt;
}

static void remember(struct passive_talk *t, const struct gist *g, const struct observation *o,
                     unsigned party, const struct step_view *view)
{
    unsigned n = t->mark_count[party];
    struct talk_mark *m = &t->marks[party][n % TALK_REMEMBERED];

    *m = (struct talk_mark){true, {0}, o->when, o->vantage, *view};
    memcpy(m->words, g->own, sizeof m->words);
    t->mark_count[party] = (n + 1) % (2 * TALK_REMEMBERED);
}

void talk_take(struct passive_talk *t, const struct observation *o, unsigned party,
               const struct step_view *view)
{
    const struct teredo_packet *packet = o->packet;
    struct gist g = {0};

    if (!t->seen[party])
        t->first[party] = *view;
    t->seen[party] = true;
    if (packet->kind == TEREDO_ECHO_REQUEST || packet->kind == TEREDO_ECHO_REPLY)
        read_echo(packet, &g);
    else if (packet->kind == TEREDO_DATA && packet->ip6.next_header == PROTOCOL_TCP)
        read_tcp(packet, &g);
    if (g.can_answer)
        for (unsigned i = 0; i < TALK_REMEMBERED; i++)
            if (answers(&g, &t->marks[1 - party][i]))
                note_exchange(t, &t->marks[1 - party][i], o, 1 - party, view);
    if (g.can_be_answered)
        remember(t, &g, o, party, view);
}
