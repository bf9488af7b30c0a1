//! Unsupported formats, recognised by their first bytes, each with a line of Python that converts it.

/// An unsupported format, and how to convert it.
pub(super) struct Foreign {
    pub(super) what: &'static str,
    pub(super) remedy: &'static str,
}

const NPZ: Foreign = Foreign {
    what: "an .npz archive of NumPy (zip)",
    remedy: "import numpy as np; z = np.load('FILE'); np.save('matrix.npy', z[z.files[0]])",
};

const TORCH: Foreign = Foreign {
    what: "a file of torch.save (pickle in a zip archive)",
    remedy: "import numpy as np, torch; np.save('matrix.npy', torch.load('FILE').numpy())",
};

const PICKLE: Foreign = Foreign {
    what: "a Python pickle, or a file of torch.save before 1.6",
    remedy: "import numpy as np, torch; np.save('matrix.npy', torch.load('FILE').numpy())",
};

const ZIP: Foreign = Foreign {
    what: "a zip archive",
    remedy: "import zipfile; zipfile.ZipFile('FILE').extractall()",
};

const GZIP: Foreign = Foreign {
    what: "compressed by gzip",
    remedy: "import gzip; open('matrix', 'wb').write(gzip.open('FILE').read())",
};

const HDF5: Foreign = Foreign {
    what: "an HDF5 file",
    remedy: "import h5py, numpy as np; f = h5py.File('FILE'); np.save('matrix.npy', f[list(f)[0]])",
};

/// The number of bytes at the beginning of a file that [`recognize`] examines.
pub(super) const BEGINNING: usize = 512;

/// The format of a file that begins with `bytes`, if it is one of those above.
pub(super) fn recognize(bytes: &[u8]) -> Option<Foreign> {
    match bytes {
        [b'P', b'K', 3, 4, rest @ ..] => Some(match first_name(rest) {
            Some(name) if name.ends_with(b".npy") => NPZ,
            Some(name) if name.ends_with(b"/data.pkl") => TORCH,
            _ => ZIP,
        }),
        [0x80, 2..=5, b'\x8a' | b'}' | b'c' | b'\x95' | b']' | b'(', ..] => Some(PICKLE),
        [0x1f, 0x8b, 8, ..] => Some(GZIP),
        [0x89, b'H', b'D', b'F', ..] => Some(HDF5),
        _ => None,
    }
}

/// The name in the first local header of a zip archive. `rest` are the bytes after the signature: the
/// length of the name is at offset 22, the name itself at 26.
fn first_name(rest: &[u8]) -> Option<&[u8]> {
    let length = u16::from_le_bytes([*rest.get(22)?, *rest.get(23)?]);
    rest.get(26..26 + usize::from(length))
}

/// The format of a file that is no matrix and no safetensors file, from its first 512 bytes: `None` if it
/// is none that is known.
///
/// ```
/// use coherence_data::matrix::foreign_format;
/// assert_eq!(foreign_format(b"\x89HDF\r\n"), Some("an HDF5 file"));
/// assert_eq!(foreign_format(b"\x93NUMPY"), None);
/// ```
#[must_use]
pub fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    recognize(&bytes[..bytes.len().min(BEGINNING)]).map(|foreign| foreign.what)
}
