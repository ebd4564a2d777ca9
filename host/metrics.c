// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The metrics over HTTP: libmicrohttpd on the daemon's own main loop, on the
 * loopback interface or a unix socket, never on anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon.h"
#include "unix_socket.h"

/* Connections at a time, and seconds until an idle one is closed. */
#define PVMEM_HTTP_CONNECTIONS 8
#define PVMEM_HTTP_TIMEOUT_S 5

/* How often libmicrohttpd is called for its timeouts, in ms. */
#define PVMEM_HTTP_TICK_MS 1000

struct pvmem_metrics {
	struct pvmem_daemon *daemon;
	struct MHD_Daemon *http;
	const char *path; /* of the socket; NULL on the loopback interface */
	guint source;
	guint tick;
};

static enum MHD_Result pvmem_http_text(struct MHD_Connection *connection, unsigned int status, const char *type,
				       char *text, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result ret;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result pvmem_http_answer(void *data, struct MHD_Connection *connection, const char *url,
					 const char *method, const char *version, const char *upload,
					 size_t *upload_size, void **state)
{
	struct pvmem_metrics *metrics = data;
	GString *text;
	gsize len;

	if (strcmp(method, "GET") || strcmp(url, "/metrics")) {
		text = g_string_new("GET /metrics is all there is\n");
		len = text->len;
		return pvmem_http_text(connection, MHD_HTTP_NOT_FOUND, "text/plain", g_string_free(text, FALSE), len);
	}
	text = pvmem_metrics_text(metrics->daemon);
	len = text->len;
	return pvmem_http_text(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
			       g_string_free(text, FALSE), len);
}

static gboolean pvmem_http_ready(gint fd, GIOCondition condition, gpointer data)
{
	MHD_run(((struct pvmem_metrics *)data)->http);
	return G_SOURCE_CONTINUE;
}

static gboolean pvmem_http_tick(gpointer data)
{
	MHD_run(((struct pvmem_metrics *)data)->http);
	return G_SOURCE_CONTINUE;
}

static int pvmem_http_bind(int fd, const struct sockaddr *addr, socklen_t len, const char *listen_on, GError **error)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && !bind(fd, addr, len) && !listen(fd, PVMEM_HTTP_CONNECTIONS))
		return fd;
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "[metrics] listen: %s: %s", listen_on,
		    g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int pvmem_http_unix(const char *path, GError **error)
{
	int fd = pvmem_unix_listen(path, PVMEM_HTTP_CONNECTIONS);

	if (fd < 0)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-fd), "[metrics] listen: %s: %s", path,
			    g_strerror(-fd));
	return fd;
}

/* "127.0.0.1:9753" or "[::1]:9753"; no other address is taken. */
static int pvmem_http_loopback(const char *listen_on, GError **error)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	gboolean six = g_str_has_prefix(listen_on, "[::1]:");
	guint64 port;

	if ((!six && !g_str_has_prefix(listen_on, "127.0.0.1:")) ||
	    !g_ascii_string_to_unsigned(strrchr(listen_on, ':') + 1, 10, 1, 65535, &port, NULL)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "[metrics] listen: '%s' is not allowed: 127.0.0.1:PORT, [::1]:PORT or unix:PATH",
			    listen_on);
		return -1;
	}
	v4.sin_port = v6.sin6_port = htons(port);
	return pvmem_http_bind(socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
			       six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, six ? sizeof(v6) : sizeof(v4),
			       listen_on, error);
}

/**
 * pvmem_metrics_start() - listens where the configuration says
 * @daemon: the daemon; its configuration has metrics_listen.
 * @error: why not.
 *
 * Return: the listener, or NULL.
 */
struct pvmem_metrics *pvmem_metrics_start(struct pvmem_daemon *daemon, GError **error)
{
	const char *listen_on = daemon->config->metrics_listen;
	const union MHD_DaemonInfo *info;
	const char *path = g_str_has_prefix(listen_on, "unix:") ? listen_on + strlen("unix:") : NULL;
	struct pvmem_metrics *metrics;
	int fd = path ? pvmem_http_unix(path, error) : pvmem_http_loopback(listen_on, error);

	if (fd < 0)
		return NULL;
	metrics = g_new0(struct pvmem_metrics, 1);
	metrics->daemon = daemon;
	metrics->path = path;
	metrics->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, pvmem_http_answer, metrics,
					 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					 (unsigned int)PVMEM_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
					 (unsigned int)PVMEM_HTTP_TIMEOUT_S, MHD_OPTION_END);
	if (!metrics->http) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "[metrics] listen: %s: cannot start", listen_on);
		close(fd);
		g_free(metrics);
		return NULL;
	}
	info = MHD_get_daemon_info(metrics->http, MHD_DAEMON_INFO_EPOLL_FD);
	metrics->source = g_unix_fd_add(info->epoll_fd, G_IO_IN, pvmem_http_ready, metrics);
	metrics->tick = g_timeout_add(PVMEM_HTTP_TICK_MS, pvmem_http_tick, metrics);
	return metrics;
}

/**
 * pvmem_metrics_stop() - listens no more
 * @metrics: the listener, or NULL.
 */
void pvmem_metrics_stop(struct pvmem_metrics *metrics)
{
	if (!metrics)
		return;
	g_source_remove(metrics->source);
	g_source_remove(metrics->tick);
	MHD_stop_daemon(metrics->http);
	if (metrics->path)
		unlink(metrics->path);
	g_free(metrics);
}
