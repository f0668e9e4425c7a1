//! Descriptors sent through a Unix socket, together with bytes.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Sends bytes, all of them, and a descriptor with the first. If the future is dropped, part of
/// them may have been sent.
///
/// # Errors
/// When the other end is gone, or the system refuses.
pub async fn send(
    stream: &UnixStream,
    mut bytes: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut descriptor = descriptor.as_ref().map(std::slice::from_ref);
    while !bytes.is_empty() {
        let sent = stream.async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if let Some(one) = descriptor
                && !control.push(SendAncillaryMessage::ScmRights(one))
            {
                return Err(io::Error::other("no room for a descriptor"));
            }
            Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::empty())?)
        });
        bytes = &bytes[sent.await?..];
        descriptor = None;
    }
    Ok(())
}

/// Reads what is there, after waiting for it, to the end of `bytes`, and the descriptor that came
/// with it; 0 at the end of the stream. The descriptor is not passed on to what is started.
pub(super) fn receive(
    stream: impl AsFd,
    bytes: &mut Vec<u8>,
    chunk: &mut [u8],
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(chunk)];
    let received = recvmsg(stream, &mut slices, &mut control, RecvFlags::empty())?;
    let mut descriptor = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last();
        }
    }
    if let Some(descriptor) = &descriptor {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    bytes.extend_from_slice(&chunk[..received.bytes]);
    Ok((received.bytes, descriptor))
}
