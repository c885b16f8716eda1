#include "observe.h"

static void decode(struct observation *o, const uint8_t *bytes, struct teredo_packet *packet)
{
    if (teredo_decode(bytes, o->size, packet, &o->fault))
        o->packet = packet;
}

void observe_receipt(const struct port_receipt *receipt, struct observation *o,
                     struct teredo_packet *packet)
{
    *o = (struct observation){
        .kind = receipt->is_error ? OBSERVED_ICMP_ERROR : OBSERVED_RECEIVED,
        .when = receipt->when,
        .from = receipt->from,
        .to = receipt->to,
        .size = receipt->size,
        .icmp = {receipt->icmp_type, receipt->icmp_code, receipt->icmp_reporter},
        .quotes_sent = receipt->quotes_sent,
    };
    if (!receipt->is_error)
        decode(o, receipt->bytes, packet);
}

void observe_send(struct port *p, const struct send_request *send, struct observation *o,
                  struct teredo_packet *packet)
{
    *o = (struct observation){
        .kind = OBSERVED_SENT,
        .socket = send->socket,
        .tag = send->tag,
        .from = p->local,
        .to = send->to,
        .size = send->size,
    };
    o->errnum = port_send(p, &(struct udp_message){p->local, send->to, send->bytes, send->size},
                          send->ttl, &o->when);
    if (o->errnum != 0)
        o->kind = OBSERVED_SEND_FAILED;
    decode(o, send->bytes, packet);
}
