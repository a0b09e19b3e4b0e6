//! A network that can be cut: every node in a network namespace of its own, with a cable to a switch
//! of two halves.
//!
//! ```text
//!   alice ──┐                  ┌── charlie
//!           ├── left    right ─┤               whole: every cable in the left half
//!   bob ────┘                  └── dave
//! ```
//!
//! What is cut is silent, as behind a broken cable: connections stay open and nothing arrives. The
//! switch is a namespace, too, so nothing of the machine's own network is touched.

use nix::sched::{setns, CloneFlags};
use std::{fs::File, future::Future, net::Ipv4Addr, path::Path, process::Command};
use tokio::sync::oneshot;

/// Where `ip netns` keeps its namespaces.
const NAMESPACES: &str = "/run/netns";

/// The switch and everything that is plugged into it. Dropping it removes all of it.
pub(crate) struct Switch {
    name: String,
    ports: Vec<Port>,
}

/// Where a node is plugged in.
#[derive(Clone)]
pub(crate) struct Port {
    /// The namespace in which the node runs.
    pub namespace: String,
    /// Its address there.
    pub address: Ipv4Addr,
}

impl Switch {
    /// A switch without cables.
    ///
    /// # Panics
    /// Where namespaces can't be made.
    pub fn new() -> Self {
        let name = format!("assay-{}", std::process::id());
        if let Err(problem) = ip(&["netns", "add", &name]) {
            panic!(
                "network namespaces can't be made here ({problem}): this needs Linux, root and the \
                 program `ip` of iproute2"
            );
        }
        let switch = Self {
            name,
            ports: Vec::new(),
        };
        for half in ["left", "right"] {
            switch.ip(&["link", "add", half, "type", "bridge"]);
            switch.ip(&["link", "set", half, "up"]);
        }
        switch
    }

    /// A cable to a new namespace.
    pub fn plug(&mut self) -> Port {
        let number = u8::try_from(self.ports.len()).expect("a handful of nodes");
        let port = Port {
            namespace: format!("{}-{number}", self.name),
            address: Ipv4Addr::new(10, 0, 0, number + 1),
        };
        let (namespace, cable) = (&port.namespace, cable(self.ports.len()));
        must(&["netns", "add", namespace]);
        self.ports.push(port.clone());
        let inside = |arguments: &[&str]| must(&[&["-n", namespace], arguments].concat());
        inside(&[
            "link", "add", "eth0", "type", "veth", "peer", "name", &cable, "netns", &self.name,
        ]);
        let address = format!("{}/24", port.address);
        inside(&["address", "add", &address, "dev", "eth0"]);
        inside(&["link", "set", "eth0", "up"]);
        inside(&["link", "set", "lo", "up"]);
        self.ip(&["link", "set", &cable, "master", "left", "up"]);
        port
    }

    /// Leaves the first cables in one half and moves the others to the other.
    pub fn cut(&self, first: usize) {
        for number in first..self.ports.len() {
            self.ip(&["link", "set", &cable(number), "master", "right"]);
        }
    }

    /// Moves all cables into one half.
    pub fn heal(&self) {
        for number in 0..self.ports.len() {
            self.ip(&["link", "set", &cable(number), "master", "left"]);
        }
    }

    fn ip(&self, arguments: &[&str]) {
        must(&[&["-n", &self.name], arguments].concat());
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let names = self.ports.iter().map(|port| &port.namespace);
        for name in names.chain([&self.name]) {
            // What can't be removed does no harm, and a test that panics must say its own reason.
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

impl Port {
    /// Does something as if this process were in the namespace: on a thread of its own, since a
    /// thread stays where it went.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Option<T> {
        let file = File::open(Path::new(NAMESPACES).join(&self.namespace));
        let file = file.expect("the namespace was made");
        let (tell, told) = oneshot::channel();
        std::thread::spawn(move || {
            setns(file, CloneFlags::CLONE_NEWNET).expect("who makes namespaces may enter them");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a runtime for one request");
            // Nobody listens any more where a test has ended.
            let _ = tell.send(runtime.block_on(work));
        });
        told.await.ok()?
    }
}

fn cable(number: usize) -> String {
    format!("port{number}")
}

fn must(arguments: &[&str]) {
    if let Err(problem) = ip(arguments) {
        panic!("`ip {}`: {problem}", arguments.join(" "));
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.map_err(|error| format!("`ip` can't be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
