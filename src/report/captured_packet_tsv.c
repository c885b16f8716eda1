#include "captured_packet_report.h"
#include "ip6_text.h"
#include "packet.h"
#include "tsv.h"

static char *put_ip6(char *p, const struct in6_addr *address)
{
    p += ip6_format(address, p);
    *p++ = '\t';
    return p;
}

static char *put_nothing(char *p, int columns)
{
    while (columns-- > 0)
        p = tsv_put_string(p, NULL);
    return p;
}

static char *put_where(struct captured_packet_printer *printer, char *p,
                       const struct captured_packet *s)
{
    if (s->frame == 0)
        return put_nothing(p, 4);
    p = stamp_put(&printer->stamp, tsv_put_number(p, s->frame), s->when);
    *p++ = '\t';
    return tsv_put_endpoint(tsv_put_endpoint(p, s->udp.from), s->udp.to);
}

static char *put_header(char *p, const struct ip6_header *ip6)
{
    p = put_ip6(put_ip6(p, &ip6->source), &ip6->destination);
    p = tsv_put_number(tsv_put_number(p, ip6->hop_limit), ip6->next_header);
    return tsv_put_number(p, ip6->payload_length);
}

static char *put_nonce(char *p, const struct teredo_packet *packet)
{
    if (!packet->has_auth)
        return tsv_put_string(p, NULL);
    p = put_hex(p, packet->auth.nonce, sizeof packet->auth.nonce);
    *p++ = '\t';
    return p;
}

/* Known ones by name, others by their number. */
static char *put_trailers(char *p, const struct teredo_packet *packet)
{
    unsigned count = packet_kept_trailers(packet);

    for (unsigned i = 0; i < count; i++) {
        const char *name = packet_trailer_name(packet->trailers[i].type);

        p = name != NULL ? put_string(p, name) : put_decimal(p, packet->trailers[i].type);
        *p++ = i + 1 < count ? ',' : '\t';
    }
    return count == 0 ? tsv_put_string(p, NULL) : p;
}

static char *put_problems(char *p, const struct captured_packet *s)
{
    for (unsigned i = 0; i < s->problem_count; i++) {
        p = put_string(p, wire_reason_code(s->problems[i].reason));
        *p++ = i + 1 < s->problem_count ? ',' : '\t';
    }
    return s->problem_count == 0 ? tsv_put_string(p, NULL) : p;
}

char *captured_packet_put_tsv(struct captured_packet_printer *printer, char *p,
                              const struct captured_packet *s)
{
    p = tsv_put_number(put_where(printer, p, s), s->size);
    p = tsv_put_string(p, captured_packet_kind(s));
    p = s->extent >= TEREDO_HEADER ? put_header(p, &s->packet.ip6) : put_nothing(p, 5);
    p = s->frame == 0 ? put_nothing(p, 1) : tsv_put_number(p, s->udp.ip.ttl);
    p = s->packet.has_origin ? tsv_put_endpoint(p, s->packet.origin) : put_nothing(p, 1);
    p = put_problems(put_trailers(put_nonce(p, &s->packet), &s->packet), s);
    p = tsv_put_string(p, printer->file);
    p[-1] = '\n';
    return p;
}
