#include "talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in address_of(int port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((unsigned short)port);
  return address;
}

static void fail(const char* what, int port) {
  fprintf(stderr, "%s: port %d: %s\n", what, port, strerror(errno));
  exit(1);
}

int listenOn(int port) {
  const struct sockaddr_in address = address_of(port);
  const int yes = 1;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0) fail("socket", port);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0) fail("COLLISION", port);
  if (listen(listener, 16) != 0) fail("COLLISION", port);
  return listener;
}

void serve(int listener, const char* token) {
  for (;;) {
    const int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    if (write(connection, token, strlen(token)) < 0) perror("write");
    close(connection);
  }
}

void expectToken(int port, const char* token) {
  const struct sockaddr_in address = address_of(port);
  char answer[128];
  size_t size = 0;
  ssize_t count = 0;
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(connection, (const struct sockaddr*)&address, sizeof address) != 0) {
    fail("connect", port);
  }
  while (size < sizeof answer - 1 &&
         (count = read(connection, answer + size, sizeof answer - 1 - size)) > 0) {
    size += (size_t)count;
  }
  answer[size] = '\0';
  close(connection);
  if (strcmp(answer, token) != 0) {
    fprintf(stderr, "COLLISION: port %d answers \"%s\", not \"%s\"\n", port, answer, token);
    exit(1);
  }
}

int talkToItself(int port) {
  char token[32];
  const int listener = listenOn(port);
  snprintf(token, sizeof token, "token of %d", (int)getpid());
  const pid_t server = fork();
  if (server == 0) serve(listener, token);
  for (int i = 0; i < 100; ++i) expectToken(port, token);
  kill(server, SIGTERM);
  waitpid(server, NULL, 0);
  return 0;
}
