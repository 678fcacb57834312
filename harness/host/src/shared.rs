//! Data and queues that the VMs of a worker share.

use crate::status::Status;
use std::collections::{HashMap, VecDeque};

/// Values of one VM id by key, each with its compare-and-swap number.
type Values = HashMap<Vec<u8>, (Vec<u8>, u32)>;

/// Values by VM id and key, each with its compare-and-swap number.
#[derive(Debug, Default)]
pub(crate) struct SharedData {
    by_vm: HashMap<Vec<u8>, Values>,
    /// Envoy counts one number up across all keys of the process.
    last_cas: u32,
}

impl SharedData {
    pub(crate) fn get(&self, vm_id: &[u8], key: &[u8]) -> Option<(&[u8], u32)> {
        let (value, cas) = self.by_vm.get(vm_id)?.get(key)?;
        Some((value, *cas))
    }

    /// Zero stores whatever is there. So does any number when nothing is there
    /// yet: Envoy only compares with an existing value.
    pub(crate) fn set(
        &mut self,
        vm_id: &[u8],
        key: &[u8],
        value: &[u8],
        cas: u32,
    ) -> Result<(), Status> {
        let known = self.get(vm_id, key).map(|(_, cas)| cas);
        if known.is_some_and(|known| cas != 0 && cas != known) {
            return Err(Status::CasMismatch);
        }
        self.last_cas = self.last_cas.wrapping_add(1).max(1);
        let vm = self.by_vm.entry(vm_id.to_vec()).or_default();
        vm.insert(key.to_vec(), (value.to_vec(), self.last_cas));
        Ok(())
    }
}

/// One queue and who is told when it fills.
#[derive(Debug)]
struct Queue {
    /// Index of the plugin whose root registered it last.
    owner: usize,
    items: VecDeque<Vec<u8>>,
}

/// Queues by VM id and name; a token is the queue's position plus one.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    by_name: HashMap<(Vec<u8>, Vec<u8>), u32>,
    queues: Vec<Queue>,
}

impl Queues {
    pub(crate) fn register(
        &mut self,
        vm_id: &[u8],
        name: &[u8],
        owner: usize,
    ) -> Result<u32, Status> {
        if let Some(token) = self.resolve(vm_id, name) {
            self.queue(token)?.owner = owner;
            return Ok(token);
        }
        self.queues.push(Queue {
            owner,
            items: VecDeque::new(),
        });
        let token = u32::try_from(self.queues.len()).map_err(|_| Status::InternalFailure)?;
        self.by_name.insert((vm_id.to_vec(), name.to_vec()), token);
        Ok(token)
    }

    pub(crate) fn resolve(&self, vm_id: &[u8], name: &[u8]) -> Option<u32> {
        self.by_name.get(&(vm_id.to_vec(), name.to_vec())).copied()
    }

    /// Adds an item and says which plugin to tell.
    pub(crate) fn enqueue(&mut self, token: u32, item: &[u8]) -> Result<usize, Status> {
        let queue = self.queue(token)?;
        queue.items.push_back(item.to_vec());
        Ok(queue.owner)
    }

    pub(crate) fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        self.queue(token)?.items.pop_front().ok_or(Status::Empty)
    }

    fn queue(&mut self, token: u32) -> Result<&mut Queue, Status> {
        let index = usize::try_from(token)
            .map_err(|_| Status::NotFound)?
            .checked_sub(1)
            .ok_or(Status::NotFound)?;
        self.queues.get_mut(index).ok_or(Status::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compare_and_swap_only_compares_with_what_is_there() {
        let mut data = SharedData::default();
        assert_eq!(data.set(b"vm", b"k", b"1", 99), Ok(()));
        let (_, cas) = data.get(b"vm", b"k").unwrap();
        assert_eq!(
            data.set(b"vm", b"k", b"2", cas + 1),
            Err(Status::CasMismatch)
        );
        assert_eq!(data.set(b"vm", b"k", b"2", cas), Ok(()));
        assert_eq!(data.set(b"vm", b"k", b"3", 0), Ok(()));
        assert_eq!(
            data.get(b"vm", b"k").map(|(value, _)| value),
            Some(&b"3"[..])
        );
        assert_eq!(data.get(b"other", b"k"), None);
    }

    #[test]
    fn a_queue_is_first_in_first_out_and_then_empty() {
        let mut queues = Queues::default();
        let token = queues.register(b"vm", b"q", 3).unwrap();
        assert_eq!(queues.register(b"vm", b"q", 4), Ok(token));
        assert_eq!(queues.enqueue(token, b"a"), Ok(4));
        assert_eq!(queues.enqueue(token, b"b"), Ok(4));
        assert_eq!(queues.dequeue(token), Ok(b"a".to_vec()));
        assert_eq!(queues.dequeue(token), Ok(b"b".to_vec()));
        assert_eq!(queues.dequeue(token), Err(Status::Empty));
        assert_eq!(queues.dequeue(0), Err(Status::NotFound));
        assert_eq!(queues.resolve(b"vm2", b"q"), None);
    }
}
