//! Ports.

use crate::Error;
use std::{io, net::SocketAddr};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the system keeps until they are accepted. Who finds no place there tries again
/// after a second.
const BACKLOG: u32 = 4096;

/// Listens on an address.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    bound(address)
        .and_then(|socket| socket.listen(BACKLOG))
        .map_err(|why| Error::Listen { address, why })
}

/// A socket that has the address, and does not listen yet.
pub(crate) fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A miner that is started again finds connections of before that are not quite gone.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
