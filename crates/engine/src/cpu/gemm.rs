//! Matrix products: a safe face of the gemm crate, one thread, widest vectors.
#![allow(unsafe_code)] // gemm takes pointers and strides; `Matrix` and `product` check them against their slices.

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    strides: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// A row-major matrix that fills `data`.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Self { data, rows, columns, strides: (columns, 1) }
    }

    /// Rows and columns swapped.
    pub(crate) fn transposed(self) -> Self {
        let (row, column) = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: (column, row), ..self }
    }
}

/// `out (a.rows, b.columns, row-major) = [out +] a b`.
pub(crate) fn product(a: Matrix, b: Matrix, out: &mut [f32], add: bool) {
    assert_eq!(a.columns, b.rows);
    assert_eq!(out.len(), a.rows * b.columns);
    let stride = |s: usize| s.cast_signed();
    // SAFETY: `Matrix::new` has checked that the strides stay inside their slices, and the assertions above that the
    // shapes fit together and that `out` has exactly a number for each entry; `out` is borrowed alone.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            stride(b.columns),
            add,
            a.data.as_ptr(),
            stride(a.strides.1),
            stride(a.strides.0),
            b.data.as_ptr(),
            stride(b.strides.1),
            stride(b.strides.0),
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
