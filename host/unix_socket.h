/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that have a path: those we listen on, those we connect to. */
#ifndef PVMEM_HOST_UNIX_SOCKET_H
#define PVMEM_HOST_UNIX_SOCKET_H

int pvmem_unix_connect(const char *path, int flags);
int pvmem_unix_listen(const char *path, int backlog);

#endif
