//! Creates the embedded digits from full MNIST: `cargo run -p coherence-data --example make_digits`.
//!
//! The bytes of the gzip files depend on the compressor; their decompressed content does not.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use coherence_data::idx::{self, Array};
use coherence_data::{Split, digits, files, locate, manifest};
use flate2::{Compression, write::GzEncoder};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("digits");
    let mnist = manifest::entry("mnist").ok_or("the manifest has no mnist")?;
    for split in [Split::Train, Split::Test] {
        let pair = mnist.pair(split);
        let (images, labels) = locate::find(&locate::roots(), mnist, pair)
            .map_err(|looked| format!("no MNIST in {looked:?}"))?;
        let chosen = digits::chosen(split);
        let images: Array<3> = idx::read(&images, pair.images.bytes)?;
        let labels: Array<1> = idx::read(&labels, pair.labels.bytes)?;
        write(&folder, &pair.images.name, &choose(&images, &chosen))?;
        write(&folder, &pair.labels.name, &choose(&labels, &chosen))?;
    }
    Ok(())
}

/// The entries with indices `chosen` along the first dimension.
fn choose<const RANK: usize>(array: &Array<RANK>, chosen: &[usize]) -> Array<RANK> {
    let mut dims = array.dims;
    dims[0] = chosen.len();
    let each: usize = dims[1..].iter().product();
    let values = chosen.iter().flat_map(|i| &array.values[i * each..][..each]).copied().collect();
    Array { dims, values }
}

fn write<const RANK: usize>(folder: &Path, name: &str, array: &Array<RANK>) -> io::Result<()> {
    let encode = |w: &mut dyn Write| {
        let mut zipped = GzEncoder::new(w, Compression::best());
        idx::encode(array, &mut zipped)?;
        zipped.finish().map(drop)
    };
    files::write_atomically(&folder.join(format!("{name}.gz")), encode).map_err(|e| e.source)
}
