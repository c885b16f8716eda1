#include "serve_tally.h"

#include "clock.h"
#include "server_report.h"

struct endpoint serve_endpoint(const struct server_config *config, enum server_address address)
{
    return (struct endpoint){address == SERVER_PRIMARY ? config->primary : config->secondary,
                             config->port};
}

void serve_tally_print(const struct serve_tally *tally, const struct server_config *config,
                       FILE *out, enum report_format format, const char *event)
{
    struct server_drop_row rows[SERVER_DROP_COUNT];
    struct server_report report = {
        .primary = serve_endpoint(config, SERVER_PRIMARY),
        .secondary = serve_endpoint(config, SERVER_SECONDARY),
        .elapsed = clock_now() - tally->started,
        .received = tally->received,
        .advertised = tally->replies[SERVER_ADVERTISED],
        .relayed = tally->replies[SERVER_RELAYED],
        .echoed = tally->replies[SERVER_ECHOED],
        .send_failed = tally->send_failed,
        .rows = rows,
    };

    for (int i = SERVER_ACCEPTED + 1; i < SERVER_DROP_COUNT; i++) {
        enum server_drop drop = (enum server_drop)i;

        rows[report.row_count++] = (struct server_drop_row){
            server_drop_code(drop), server_drop_rfc(drop), server_drop_text(drop), tally->drops[i]};
        report.dropped += tally->drops[i];
    }
    if (event == NULL)
        server_report_ready(out, format, &report);
    else
        server_report_counters(out, format, &report, event);
    fflush(out);
}

void serve_log_packet(const struct server_config *config, struct endpoint from,
                      enum server_address at, size_t size, enum server_drop drop,
                      const struct server_reply *reply)
{
    char text[ENDPOINT_STRLEN], own[ENDPOINT_STRLEN];

    fprintf(stderr, "%s > %s %zu bytes: ", endpoint_format(from, text),
            endpoint_format(serve_endpoint(config, at), own), size);
    if (drop == SERVER_ACCEPTED)
        fprintf(stderr, "%s, %s > %s %zu bytes\n", server_reply_name(reply->kind),
                endpoint_format(serve_endpoint(config, reply->from), own),
                endpoint_format(reply->to, text), reply->size);
    else if (drop == SERVER_DROP_MALFORMED)
        fprintf(stderr, "dropped, malformed: %s at byte %zu\n",
                wire_reason_text(reply->fault.reason), reply->fault.offset);
    else
        fprintf(stderr, "dropped, %s: %s (%s)\n", server_drop_code(drop), server_drop_text(drop),
                server_drop_rfc(drop));
}
