//! Commands about a container, in the words of its engine.

use crate::model::process::Container;
use crate::model::raw_path::RawPath;

/// Looks at a container and removes it with what it wrote, in the words of its engine; only a look where that is not known.
pub fn remove(container: &Container) -> Vec<String> {
    let name = name_of(container);
    match container.engine.as_str() {
        engine @ ("docker" | "podman") => {
            vec![format!("{engine} inspect {name}"), format!("{engine} rm -f {name}")]
        }
        "containerd" => vec![format!("nerdctl inspect {name}"), format!("nerdctl rm -f {name}")],
        "kubernetes" => vec![format!("crictl inspect {name}"), format!("crictl rm -f {name}")],
        "nspawn" => vec![format!("machinectl status {name}")],
        "lxc" => vec![format!("lxc-info -n {name}")],
        _ => vec![format!("ps -o pid,lstart,cgroup,args -e | grep -F {name}")],
    }
}

/// Looks at a container and starts it again; nothing where its engine is not known.
pub fn recreate(container: &Container) -> Option<Vec<String>> {
    let name = name_of(container);
    let (look, again) = match container.engine.as_str() {
        engine @ ("docker" | "podman") => {
            let look = format!(
                "{engine} inspect -f '{{{{range .Mounts}}}}{{{{println .Source .Destination}}}}{{{{end}}}}' {name}"
            );
            (look, format!("{engine} restart {name}"))
        }
        "containerd" => (format!("nerdctl inspect {name}"), format!("nerdctl restart {name}")),
        "kubernetes" => (format!("crictl inspect {name}"), format!("crictl stop {name}")),
        "nspawn" => (format!("machinectl status {name}"), format!("machinectl reboot {name}")),
        "lxc" => (format!("lxc-info -n {name}"), format!("lxc-stop -n {name} -r")),
        _ => return None,
    };
    Some(vec![look, again])
}

fn name_of(container: &Container) -> String {
    let name = container.name.clone().unwrap_or_else(|| container.id.chars().take(12).collect());
    RawPath::from(name.as_str()).quoted()
}
