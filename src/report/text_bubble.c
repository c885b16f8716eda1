#include <string.h>

#include "packet.h"
#include "reporter.h"
#include "words.h"

static const char *kind_word(const struct captured_packet *s)
{
    if (s->extent == TEREDO_WHOLE)
        return teredo_kind_name(s->packet.kind);
    return s->extent >= TEREDO_HEADER && s->packet.ip6.next_header == IP_PROTOCOL_NONE
               ? "malformed bubble"
               : "malformed packet";
}

/* "bubble, 40 bytes: SOURCE > DESTINATION" */
static void put_packet(FILE *out, const struct captured_packet *s)
{
    char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];

    fprintf(out, "%s, %zu bytes", kind_word(s), s->size);
    if (s->extent >= TEREDO_HEADER)
        fprintf(out, ": %s > %s", words_ip6(&s->packet.ip6.source, source),
                words_ip6(&s->packet.ip6.destination, destination));
}

/* All bytes, 16 a line, with their offsets. */
static void put_dump(FILE *out, const uint8_t *data, size_t size)
{
    for (size_t line = 0; line < size; line += 16) {
        fprintf(out, "  0x%04zx  ", line);
        for (size_t i = line; i < line + 16 && i < size; i++)
            fprintf(out, "%02x%s", data[i],
                    i + 1 == line + 16 || i + 1 == size ? "\n"
                    : i % 2 == 1                        ? " "
                                                        : "");
    }
}

void text_bubble_sent(struct reporter *r, const struct event *e)
{
    const struct bubble_packet *p = e->bubble_packet;
    const struct captured_packet *s = &p->captured_packet;
    FILE *out = r->config.out;
    char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    if (r->config.quiet)
        return;
    fprintf(out, "%lu  %s > %s  %s", p->number, endpoint_format(s->udp.from, from),
            endpoint_format(s->udp.to, to), text_of(&bubble_aims, p->aim));
    put_packet(out, s);
    if (p->errnum != 0)
        fprintf(out, "; not sent: %s", strerror(p->errnum));
    fputc('\n', out);
    if (!p->whole)
        return;
    packet_put(&r->buffer, s, PACKET_TREE);
    text_buffer_flush(&r->buffer);
    put_dump(out, p->ip4, p->ip4_size);
}

void text_bubble_reply(struct reporter *r, const struct event *e)
{
    const struct bubble_reply *reply = e->bubble_reply;
    const struct captured_packet *s = &reply->captured_packet;
    FILE *out = r->config.out;
    char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

    if (r->config.quiet)
        return;
    fprintf(out, "%+.3f ms  %s > %s  ", words_ms(reply->delay), endpoint_format(s->udp.from, from),
            endpoint_format(s->udp.to, to));
    put_packet(out, s);
    if (reply->proof == PROOF_NONE)
        fprintf(out, "; without proof\n");
    else
        fprintf(out, "; answers %lu: %s\n", reply->answered, proof_words[reply->proof].asked);
}

void text_bubble_icmp(struct reporter *r, const struct event *e)
{
    const struct bubble_icmp *icmp = e->bubble_icmp;
    char to[ENDPOINT_STRLEN], reporter[IP4_STRLEN];

    if (r->config.quiet)
        return;
    fprintf(r->config.out, "ICMP from %s for a packet to %s: %s\n",
            ip4_format(icmp->error.reporter, reporter), endpoint_format(icmp->to, to),
            icmp_error_text(icmp->error));
}

void text_bubbled(struct reporter *r, const struct event *e)
{
    const struct bubble_summary *s = e->bubbled;
    FILE *out = r->config.out;

    switch (s->verdict) {
    case BUBBLE_SHOWN:
        return;
    case BUBBLE_WRITTEN:
        fprintf(out, "%lu written", s->sent);
        break;
    case BUBBLE_SENT:
    case BUBBLE_ANSWERED:
    case BUBBLE_UNANSWERED:
    case BUBBLE_INTERRUPTED:
    case BUBBLE_NOT_SENT:
        fprintf(out, "%lu sent", s->sent);
        break;
    }
    if (s->failed > 0)
        fprintf(out, ", %lu not sent", s->failed);
    if (s->answers > 0)
        fprintf(out, "; %lu answer%s after %.3f ms", s->answers,
                s->answers == 1 ? "," : "s, the first", words_ms(s->first_delay));
    else if (s->wait > 0)
        fprintf(out, "; no answer%s", s->replies > 0 ? " that is believed" : "");
    if (s->verdict == BUBBLE_UNANSWERED)
        fprintf(out, " in %g s", nsec_seconds(s->wait));
    if (s->verdict == BUBBLE_INTERRUPTED)
        fprintf(out, "; interrupted");
    fputc('\n', out);
}
