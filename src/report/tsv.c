#include "tsv.h"

#include <string.h>

#include "output.h"

/* The columns of each, with blanks between them. */
static const struct {
    const char *name;
    const char *columns;
} tables[] = {
    {"addr", "verdict address kind prefix server mapped flags.value ip4 notes line zone"},
    {"bubble", "event number when from to aim kind size ipv6.source ipv6.destination proof answers "
               "delay_s icmp.type icmp.code icmp.from verdict packets_sent packets_failed "
               "replies_received replies_believed icmp_errors_received"},
    {"check", "status cause name server rtt_s warning critical relay.state relay.sent relay.rtt_s "
              "qualification.verdict qualification.reason qualification.mapped qualification.nat "
              "elapsed_s round_started"},
    {"classify",
     "verdict reachability nat rfc4380 mapping filtering port_allocation port_step "
     "hairpinning pooling lifetime_s.at_least lifetime_s.at_most server secondary local "
     "mapped mapped_secondary loss rtt_s elapsed_s sent received round_started"},
    {"decode", "frame when from to size kind ipv6.source ipv6.destination ipv6.hop_limit "
               "ipv6.next_header ipv6.payload_length ipv4.ttl origin auth.nonce trailers problems "
               "file"},
    {TSV_SUMMARY,
     "frames datagrams packets first last flows clients servers hole_punches "
     "unanswered_punches forgotten dropped kinds.bubble kinds.rs kinds.ra "
     "kinds.echo_request kinds.echo_reply kinds.icmp6 kinds.data kinds.unknown problems"},
    {"listen", "event when teredo_address mapped activity peer endpoint offset_s verdict reason "
               "peers bubbles_received bubbles_sent echoes mapping_changes elapsed_s"},
    {"qualify",
     "verdict reason server secondary teredo_address prefix local mapped mapped_secondary "
     "nat rtt_s elapsed_s mtu name round_started"},
    {"serve", "event server secondary elapsed_s received advertised relayed echoed send_failed "
              "dropped"},
    {"trace", "verdict cause peer peer_mapped peer_server server local mapped teredo_address nat "
              "proof answered_from attempts indirect_answers rtt_s elapsed_s round_started"},
    {TSV_CAPTURES, "when verdict cause initiator.address initiator.mapped initiator.relay "
                   "peer.address peer.mapped peer.server side proof answered_from attempts "
                   "indirect_answers rtt_s elapsed_s"},
};

enum {
    COLUMN_ROOM = 64
};

static const char *columns_of(const char *table)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].name, table) == 0)
            return tables[i].columns;
    return "";
}

void tsv_header(FILE *out, const char *table)
{
    for (const char *c = columns_of(table); *c != '\0'; c++)
        fputc(*c == ' ' ? '\t' : *c, out);
    fputc('\n', out);
}

/* What lies at PATH, keys that are joined by points; the points are overwritten. */
static const json_t *find(const json_t *o, char *path)
{
    char *point;

    for (; (point = strchr(path, '.')) != NULL; path = point + 1) {
        *point = '\0';
        o = json_object_get(o, path);
    }
    return json_object_get(o, path);
}

static void put_value(FILE *out, const json_t *value);

static char printable(char c)
{
    return (char)((unsigned char)c < ' ' || c == 0x7f ? '?' : c);
}

static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(printable(*text), out);
}

/* An item's word: of a note its code, of a problem its reason. */
static void put_list(FILE *out, const json_t *list)
{
    const json_t *item, *word;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (i > 0)
            fputc(',', out);
        word = json_object_get(item, "code");
        if (word == NULL)
            word = json_object_get(item, "reason");
        put_value(out, word != NULL ? word : item);
    }
}

static void put_value(FILE *out, const json_t *value)
{
    const json_t *address = json_object_get(value, "address");

    if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(out, "%.9f", json_real_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "true" : "false", out);
    else if (json_string_length(value) > 0)
        put_text(out, json_string_value(value));
    else if (json_array_size(value) > 0)
        put_list(out, value);
    else if (address != NULL)
        fprintf(out, "%s:%d", json_string_value(address),
                (int)json_integer_value(json_object_get(value, "port")));
    else
        fputc('-', out);
}

void tsv_row(FILE *out, const char *table, const json_t *o)
{
    const char *columns = columns_of(table);
    char column[COLUMN_ROOM];

    while (*columns != '\0') {
        size_t length = strcspn(columns, " ");

        snprintf(column, sizeof column, "%.*s", (int)length, columns);
        put_value(out, find(o, column));
        columns += length + strspn(columns + length, " ");
        fputc(*columns != '\0' ? '\t' : '\n', out);
    }
}

char *tsv_put_text(char *p, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *p++ = printable(text[i]);
    if (size == 0)
        *p++ = '-';
    *p++ = '\t';
    return p;
}

char *tsv_put_string(char *p, const char *text)
{
    return tsv_put_text(p, text, text == NULL ? 0 : strlen(text));
}

char *tsv_put_number(char *p, unsigned long value)
{
    p = put_decimal(p, value);
    *p++ = '\t';
    return p;
}

char *tsv_put_endpoint(char *p, struct endpoint e)
{
    p = put_endpoint(p, e);
    *p++ = '\t';
    return p;
}
