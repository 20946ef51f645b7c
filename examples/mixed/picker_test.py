"""A test in Python, with ports from portpicker: of `portpool serve`, by PORTSERVER_ADDRESS."""

import os
import socket
import unittest

import portpicker


class PickerTest(unittest.TestCase):
    def test_two_servers(self):
        # pick_unused_port() would look for a port by itself if the server did not answer.
        ports = [portpicker.get_port_from_port_server(os.environ["PORTSERVER_ADDRESS"])
                 for _ in range(2)]
        self.assertNotIn(None, ports)
        servers = [socket.create_server(("127.0.0.1", port)) for port in ports]
        for port, server in zip(ports, servers):
            token = f"{os.getpid()} {port}".encode()
            for _ in range(50):
                client = socket.create_connection(("127.0.0.1", port))
                connection, _ = server.accept()
                connection.sendall(token)
                connection.close()
                self.assertEqual(client.recv(100), token)
                client.close()
        for server in servers:
            server.close()


if __name__ == "__main__":
    unittest.main()
