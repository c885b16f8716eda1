#include "bubble.h"

#include <string.h>

#include "teredo_flows.h"

void bubble_init(struct bubble *b, const struct bubble_config *config)
{
    struct teredo_packet *p = &b->craft.packet;

    b->config = *config;
    b->craft = config->base;
    b->round = 0;
    b->packet = (struct bubble_packet){0};
    b->book.count = 0;
    b->summary = (struct bubble_summary){.wait = config->wait};
    nonce_take(&b->config.nonces, &b->echo_id, sizeof b->echo_id);
    if (config->is_echo) {
        memcpy(b->message, p->payload, p->payload_size);
        p->payload = b->message;
    }
}

static void draw_echo(struct bubble *b)
{
    struct writer w = writer_of(b->message, sizeof b->message);
    uint8_t data[BUBBLE_ECHO_DATA];

    writer_u8(&w, ICMP6_TYPE_ECHO_REQUEST);
    writer_zeros(&w, 3); /* the code, and the checksum, which craft fills in */
    writer_u16(&w, b->echo_id);
    writer_u16(&w, (uint16_t)b->round);
    if (!b->config.random_echo_data)
        return;
    nonce_take(&b->config.nonces, data, sizeof data);
    writer_bytes(&w, data, sizeof data);
}

void bubble_begin_round(struct bubble *b)
{
    struct teredo_packet *p = &b->craft.packet;
    struct bubble_config *c = &b->config;

    b->round++;
    if (c->random_source)
        p->ip6.source = link_local_random(&c->nonces);
    if (c->random_auth_nonce)
        nonce_take(&c->nonces, p->auth.nonce, sizeof p->auth.nonce);
    if (c->random_trailers != 0)
        nonce_take(&c->nonces, b->trailer_nonce, sizeof b->trailer_nonce);
    for (unsigned i = 0; i < p->trailer_count; i++)
        if ((c->random_trailers & 1U << i) != 0)
            p->trailers[i].value = b->trailer_nonce;
    if (c->is_echo)
        draw_echo(b);
}

void bubble_make(struct bubble *b, unsigned i, struct endpoint from)
{
    const struct bubble_target *target = &b->config.targets[i];
    struct bubble_packet *p = &b->packet;

    b->craft.from = from;
    b->craft.to = target->to;
    p->number++;
    p->aim = target->aim;
    p->ip4 = b->ip4;
    p->ip4_size = craft_encode(&b->craft, b->ip4, sizeof b->ip4);
    p->errnum = 0;
    teredo_flows_decode_datagram(p->ip4, p->ip4_size, &p->captured_packet);
}

void bubble_note_sent(struct bubble *b, nsec when)
{
    const struct teredo_packet nothing = {0}, *packet = &b->packet.captured_packet.packet;
    struct bubble_sent sent;

    /* Who answers a malformed packet has seen what was meant. */
    if (b->packet.captured_packet.extent != TEREDO_WHOLE)
        packet = b->craft.raw == NULL ? &b->craft.packet : &nothing;
    bubble_sent_describe(&sent, b->craft.to, packet, b->config.random_source);
    sent.number = b->packet.number;
    sent.when = when;
    bubble_book_add(&b->book, &sent);
    b->packet.captured_packet.when = when;
    b->summary.sent++;
}

void bubble_note_failed(struct bubble *b, int errnum)
{
    b->packet.errnum = errnum;
    b->summary.failed++;
}

void bubble_receive(struct bubble *b, const struct observation *o, const uint8_t *bytes,
                    struct bubble_reply *reply)
{
    struct captured_packet *s = &reply->captured_packet;
    const struct bubble_sent *answered;
    bool decoded;

    *reply = (struct bubble_reply){0};
    decoded = teredo_flows_decode_payload(bytes, o->size, s);
    s->outside = CAPTURED_PACKET_RECEIVED;
    s->when = o->when;
    s->udp.from = o->from;
    s->udp.to = o->to;
    reply->proof = bubble_book_find(&b->book, decoded ? &s->packet : NULL, o->from, &answered);
    if (answered != NULL) {
        reply->answered = answered->number;
        reply->delay = nsec_max(o->when - answered->when, 0);
    }
    b->summary.replies++;
    if (reply->proof != PROOF_NONE && b->summary.answers++ == 0)
        b->summary.first_delay = reply->delay;
}

static enum bubble_verdict judge(const struct bubble *b, bool interrupted)
{
    const struct bubble_summary *s = &b->summary;
    bool all_sent = b->packet.number == b->config.rounds * b->config.target_count;

    if (s->failed > 0)
        return BUBBLE_NOT_SENT;
    if (s->wait != 0 && s->answers > 0)
        return BUBBLE_ANSWERED;
    if (interrupted && (!all_sent || s->wait != 0))
        return BUBBLE_INTERRUPTED;
    return s->wait != 0 ? BUBBLE_UNANSWERED : BUBBLE_SENT;
}

void bubble_finish(struct bubble *b, bool interrupted)
{
    b->summary.verdict = judge(b, interrupted);
}
