/* A server that tells everybody its token, and a client that checks whose it is. */

#ifndef TALK_H
#define TALK_H

/* Listens on the port. Ends the program with a message if somebody else does already. */
int listenOn(int port);

/* Tells whoever connects the token, for ever. */
void serve(int listener, const char* token);

/* Connects to the port and checks that the token comes back. Ends the program with a message if it
 * does not. */
void expectToken(int port, const char* token);

/* Serves on the port, in a child, and checks a hundred times that it reaches that very server.
 * Returns the exit status of the program. */
int talkToItself(int port);

#endif
