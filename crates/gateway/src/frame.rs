//! One message out of a request's body, framed as gRPC has it or as another face does, and the prefix of a message that leaves.

use std::io::Read;

use bytes::{Buf, Bytes, BytesMut};
use flate2::read::GzDecoder;
use http::HeaderMap;
use http_body_util::BodyExt;
use lgsp_core::{Fault, Reason};
use lgsp_face::Face;

/// Compressed flag and length.
pub(crate) const PREFIX: usize = 5;
/// Room for the paddings of a body in Base64 that was encoded in pieces.
const PADDING: usize = 1024;

/// Reads the only message of a request, at most `largest` bytes after decompression.
///
/// Whatever is wrong with it is said in our words; a parser's own text may hold a piece of the message.
pub(crate) async fn read<B>(face: Face, body: B, headers: &HeaderMap, largest: usize) -> Result<Bytes, Fault>
where
    B: http_body::Body<Data = Bytes>,
{
    let gzip = is_gzip(headers, face.encoding())?;
    match face {
        Face::Grpc | Face::Web | Face::Stream(_) => {
            let mut received = Received::default();
            pieces(body, |data| received.add(data, largest)).await?;
            received.unpacked(gzip, largest)
        }
        Face::WebText => {
            let text = whole(body, (largest + PREFIX).div_ceil(3) * 4 + PADDING).await?;
            let bytes = lgsp_face::of_text(&text).ok_or_else(|| malformed("the body is not Base64"))?;
            let mut received = Received::default();
            received.add(bytes.into(), largest)?;
            received.unpacked(gzip, largest)
        }
        Face::Unary(_) => {
            let message = whole(body, largest).await?;
            if gzip { inflate(&message, largest) } else { Ok(message) }
        }
    }
}

/// Takes the data of a body in the pieces in which it comes.
async fn pieces<B>(body: B, mut take: impl FnMut(Bytes) -> Result<(), Fault>) -> Result<(), Fault>
where
    B: http_body::Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        // A caller that resets its call ends the body with an error.
        let frame = frame.map_err(|_| Fault::new(Reason::Cancelled))?;
        if let Ok(data) = frame.into_data() {
            take(data)?;
        }
    }
    Ok(())
}

/// A body that is framed by nothing but its end.
async fn whole<B>(body: B, largest: usize) -> Result<Bytes, Fault>
where
    B: http_body::Body<Data = Bytes>,
{
    let mut all = BytesMut::new();
    pieces(body, |data| {
        if all.len() + data.len() > largest {
            return Err(Reason::RequestTooLarge.into());
        }
        all.extend_from_slice(&data);
        Ok(())
    })
    .await?;
    Ok(all.freeze())
}

/// Whether compressed messages are gzip, by the header that says so.
fn is_gzip(headers: &HeaderMap, said_by: &'static str) -> Result<bool, Fault> {
    match headers.get(said_by).map(http::HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => Err(Fault::new(Reason::InvalidMetadata).saying(format!("{said_by} is identity or gzip"))),
    }
}

/// The pieces of the body so far. Most requests come in one piece and are never copied.
#[derive(Default)]
struct Received {
    only: Bytes,
    rest: BytesMut,
}

impl Received {
    fn add(&mut self, data: Bytes, largest: usize) -> Result<(), Fault> {
        if self.only.is_empty() && self.rest.is_empty() {
            self.only = data;
        } else {
            if self.rest.is_empty() {
                self.rest.extend_from_slice(&self.only);
            }
            self.rest.extend_from_slice(&data);
        }
        let so_far = self.bytes();
        if let Some(length) = announced(so_far)
            && length > largest
        {
            return Err(Reason::RequestTooLarge.into());
        }
        // The announced length bounds what is kept, whatever is sent.
        if so_far.len() > announced(so_far).map_or(PREFIX, |length| length + PREFIX) {
            return Err(malformed("the request is not exactly one message"));
        }
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        if self.rest.is_empty() { &self.only } else { &self.rest }
    }

    fn unpacked(self, gzip: bool, largest: usize) -> Result<Bytes, Fault> {
        let (compressed, message) = self.message()?;
        match (compressed, gzip) {
            (false, _) => Ok(message),
            (true, true) => inflate(&message, largest),
            (true, false) => Err(malformed("the message is compressed, and no header says how")),
        }
    }

    fn message(self) -> Result<(bool, Bytes), Fault> {
        let mut all = if self.rest.is_empty() { self.only } else { self.rest.freeze() };
        if announced(&all).is_none_or(|length| all.len() != length + PREFIX) {
            return Err(malformed("the request is not exactly one message"));
        }
        let compressed = match all[0] {
            0 => false,
            1 => true,
            _ => return Err(malformed("the compressed flag is neither 0 nor 1")),
        };
        all.advance(PREFIX);
        Ok((compressed, all))
    }
}

/// The length that the prefix announces, once it is there.
fn announced(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(1..PREFIX)?;
    Some(u32::from_be_bytes(length.try_into().ok()?) as usize)
}

/// Decompresses no more than one byte beyond what is carried, however much it would become.
fn inflate(compressed: &[u8], largest: usize) -> Result<Bytes, Fault> {
    let mut message = Vec::new();
    let mut decoder = GzDecoder::new(compressed);
    let read = decoder.by_ref().take(largest as u64 + 1).read_to_end(&mut message);
    if message.len() > largest {
        return Err(Reason::RequestTooLarge.into());
    }
    read.map_err(|_| malformed("the message is not valid gzip"))?;
    Ok(message.into())
}

fn malformed(detail: &'static str) -> Fault {
    Fault::new(Reason::Malformed).saying(detail)
}

/// Reserves the prefix of a message at the end of `out`; [`end`] writes it.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    at
}

/// Writes the prefix of the message that was appended since [`begin`].
pub(crate) fn end(out: &mut [u8], at: usize) {
    let length = (out.len() - at - PREFIX) as u32;
    out[at + 1..at + PREFIX].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;
    use http_body_util::{Full, StreamBody};

    use super::*;

    const LARGEST: usize = 1_000;

    fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
        [&[flag][..], &(message.len() as u32).to_be_bytes(), message].concat()
    }

    fn gzipped(message: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(message).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip() -> HeaderMap {
        HeaderMap::from_iter([("grpc-encoding".parse().unwrap(), HeaderValue::from_static("gzip"))])
    }

    async fn refusal(body: Vec<u8>, headers: &HeaderMap) -> Reason {
        read(Face::Grpc, Full::<Bytes>::from(body), headers, LARGEST).await.unwrap_err().reason()
    }

    #[tokio::test]
    async fn a_message_is_read_in_one_piece_or_in_many() {
        let bytes = framed(0, b"message");
        let whole =
            read(Face::Grpc, Full::<Bytes>::from(bytes.clone()), &HeaderMap::new(), LARGEST).await.unwrap();
        let pieces = bytes
            .into_iter()
            .map(|byte| Ok::<_, crate::body::Error>(http_body::Frame::data(vec![byte].into())));
        let pieced =
            read(Face::Grpc, StreamBody::new(futures::stream::iter(pieces)), &HeaderMap::new(), LARGEST)
                .await
                .unwrap();
        assert_eq!((&whole[..], &pieced[..]), (&b"message"[..], &b"message"[..]));
    }

    #[tokio::test]
    async fn a_gzipped_message_is_inflated() {
        let body = Full::<Bytes>::from(framed(1, &gzipped(b"message")));
        assert_eq!(read(Face::Grpc, body, &gzip(), LARGEST).await.unwrap(), "message");
    }

    #[tokio::test]
    async fn a_gzip_bomb_is_too_large() {
        assert_eq!(refusal(framed(1, &gzipped(&[0; 100_000])), &gzip()).await, Reason::RequestTooLarge);
    }

    #[tokio::test]
    async fn a_request_beyond_the_bound_is_refused_by_its_announced_length() {
        assert_eq!(refusal(framed(0, &[0; LARGEST + 1]), &HeaderMap::new()).await, Reason::RequestTooLarge);
        assert_eq!(
            refusal(vec![0, 0xff, 0xff, 0xff, 0xff], &HeaderMap::new()).await,
            Reason::RequestTooLarge
        );
    }

    #[tokio::test]
    async fn false_lengths_and_corrupt_gzip_are_malformed() {
        let short = framed(0, b"message")[..9].to_vec();
        let two = [framed(0, b"one"), framed(0, b"two")].concat();
        let cases = [vec![], short, two, framed(2, b"x"), framed(1, b"x")];
        for body in cases {
            assert_eq!(refusal(body, &HeaderMap::new()).await, Reason::Malformed);
        }
        assert_eq!(refusal(framed(1, b"not gzip"), &gzip()).await, Reason::Malformed);
        let mut cut = gzipped(b"a message that is cut before its end");
        cut.truncate(cut.len() - 9);
        assert_eq!(refusal(framed(1, &cut), &gzip()).await, Reason::Malformed);
    }

    #[tokio::test]
    async fn every_face_frames_its_message_and_bounds_it_after_decompression() {
        use base64::Engine;
        use lgsp_face::Codec;
        let text = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes).into_bytes();
        let wrap = |face, flag, message: &[u8]| match face {
            Face::Unary(_) => message.to_vec(),
            Face::WebText => text(&framed(flag, message)),
            Face::Grpc | Face::Web | Face::Stream(_) => framed(flag, message),
        };
        for face in [Face::Web, Face::WebText, Face::Unary(Codec::Json), Face::Stream(Codec::Proto)] {
            let zipped: HeaderMap =
                [(face.encoding().parse().unwrap(), HeaderValue::from_static("gzip"))].into_iter().collect();
            let take = async |body: Vec<u8>, headers: &HeaderMap| {
                read(face, Full::<Bytes>::from(body), headers, LARGEST).await
            };
            assert_eq!(
                take(wrap(face, 0, b"message"), &HeaderMap::new()).await.unwrap(),
                "message",
                "{face:?}"
            );
            let small = wrap(face, 1, &gzipped(b"message"));
            assert_eq!(take(small, &zipped).await.unwrap(), "message", "{face:?}");
            let bomb = wrap(face, 1, &gzipped(&[0; 100_000]));
            assert_eq!(take(bomb, &zipped).await.unwrap_err().reason(), Reason::RequestTooLarge, "{face:?}");
            let large = wrap(face, 0, &[b'x'; LARGEST + 1]);
            let refused = take(large, &HeaderMap::new()).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::RequestTooLarge, "{face:?}");
        }
    }
}
