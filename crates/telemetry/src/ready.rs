//! Telling whoever started this program that it is ready.

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

/// Names the socket of a service manager that wants to be told, as systemd does for `Type=notify`.
const SOCKET: &str = "NOTIFY_SOCKET";

/// What it wants to hear (`sd_notify`).
const READY: &[u8] = b"READY=1";

/// Says that the program does from here on what it was started for. Where nobody asked to be told,
/// nothing happens.
pub fn tell_ready() {
    let Some(socket) = env::var_os(SOCKET) else {
        return;
    };
    if let Err(why) = tell(&socket) {
        tracing::warn!(%why, "the service manager can't be told that this program is ready");
    }
}

fn tell(socket: &OsStr) -> io::Result<()> {
    // A name that begins with `@` is not of a file.
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?
        .send_to_addr(READY, &address)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> Vec<u8> {
        let mut words = [0; 64];
        let length = socket.recv(&mut words).unwrap();
        words[..length].to_vec()
    }

    #[test]
    fn tell_reaches_a_socket_with_a_file_and_one_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let named = UnixDatagram::bind(&path).unwrap();
        tell(path.as_os_str()).unwrap();
        assert_eq!(heard(&named), READY);

        let name = format!("assay-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let nameless = UnixDatagram::bind_addr(&address).unwrap();
        tell(OsStr::new(&format!("@{name}"))).unwrap();
        assert_eq!(heard(&nameless), READY);

        drop(named);
        assert!(tell(path.as_os_str()).is_err());
    }
}
