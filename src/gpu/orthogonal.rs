//! Orthogonal matrices on the device: the pipelines of shaders/orthogonal.wgsl, and the recording of a batch of
//! matrices.

use super::pipeline::{BoundRange, PipelineBuilder, bind_group};
use super::scope::Scope;
use super::source::{MulWide, Tier, implementations};
use super::upload::buffer_of;
use crate::plan::matrices::{BLOCK, Batch, CHUNK_ROWS};
use crate::{Error, Result};

const LABEL: &str = "seedbed orthogonal";

/// The entry points, in the order in which they run for one block of reflectors.
pub const ENTRIES: [&str; 5] = ["reflect_block", "products", "factor", "apply", "update"];

/// Rows and columns of the square of elements that one workgroup computes; also how many a block of reflectors has.
const TILE_SIDE: u32 = 64;
const _: () = assert!(TILE_SIDE as usize == BLOCK);

/// The WGSL of these kernels.
#[must_use]
pub fn source(mul_wide: MulWide, tier: Tier) -> String {
    let [mul_wide, fma] = implementations(mul_wide, tier);
    let files = [
        mul_wide,
        fma,
        include_str!("../../shaders/philox.wgsl"),
        include_str!("../../shaders/math.wgsl"),
        include_str!("../../shaders/orthogonal.wgsl"),
    ];
    files.join("\n")
}

/// What the dispatches of one block of reflectors read: `ReflectorBlock` of shaders/orthogonal.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[allow(missing_docs, reason = "named and explained in the shader")]
pub struct ReflectorBlock {
    pub key: [u32; 2],
    pub matrix: u32,
    pub first: u32,
    pub width: u32,
    pub rows: u32,
    pub cols: u32,
    pub row_step: u32,
    pub col_step: u32,
    pub matrix_step: u32,
    pub start: u32,
    pub work_step: u32,
    pub t_start: u32,
    pub sum_start: u32,
    pub gain: f32,
    pub one: f32,
}

/// Where the parts of one matrix's workspace lie, in words: first the reflectors, then T and the signs, then the sums
/// of every chunk of rows and tile of columns.
struct WorkspaceLayout {
    t_start: u64,
    sum_start: u64,
    /// All of them.
    words: u64,
}

impl WorkspaceLayout {
    fn of(batch: &Batch) -> Self {
        let (p, q) = batch.tall();
        let square = (BLOCK * BLOCK) as u64;
        let t_start = BLOCK as u64 * u64::from(p);
        let sum_start = t_start + square + BLOCK as u64;
        let sums = u64::from(p).div_ceil(CHUNK_ROWS as u64) * (u64::from(q).div_ceil(u64::from(TILE_SIDE)) + 1);
        Self { t_start, sum_start, words: sum_start + sums * square }
    }
}

/// Bytes of workspace that one matrix of the batch takes: about a quarter of its own size where it is square.
///
/// Of the matrix and its transpose, the one with at least as many rows as columns counts: 256 bytes per row, 16 KiB,
/// and per 256 rows another 16 KiB for each 64 columns and 16 KiB more.
#[must_use]
pub fn workspace_bytes(batch: &Batch) -> u64 {
    4 * WorkspaceLayout::of(batch).words
}

/// Whether a device with these limits takes the kernels: their largest workgroup, and its memory.
pub(super) fn fits(limits: &wgpu::Limits) -> bool {
    limits.max_compute_invocations_per_workgroup >= 256
        && limits.max_compute_workgroup_size_x >= 256
        && limits.max_compute_workgroup_storage_size >= 16_384
}

/// The pipelines of one device, tier and multiplication.
#[derive(Debug)]
pub struct OrthogonalKernels {
    device: wgpu::Device,
    bindings: wgpu::BindGroupLayout,
    pipelines: [wgpu::ComputePipeline; ENTRIES.len()],
    align: u64,
    max_binding: u64,
    /// Workgroups along one dimension of a dispatch at most.
    max_groups: u32,
}

impl OrthogonalKernels {
    /// Compiles the pipelines.
    ///
    /// # Errors
    /// [`Error::Device`] where they do not compile.
    pub async fn new(
        device: &wgpu::Device,
        mul_wide: MulWide,
        tier: Tier,
        cache: Option<&wgpu::PipelineCache>,
    ) -> Result<Self> {
        let scope = Scope::begin(device);
        let builder = PipelineBuilder::new(device, cache, LABEL, &[true, false, false]);
        let desc = wgpu::ShaderModuleDescriptor {
            label: Some(LABEL),
            source: wgpu::ShaderSource::Wgsl(source(mul_wide, tier).into()),
        };
        // SAFETY: no access leaves its array and every loop ends, so that no run-time check is needed. `record` alone
        // fills `ReflectorBlock`: the workspace holds `WorkspaceLayout::words` for each z of a workgroup, and the
        // destination every (row, column) of each; rows and columns are compared with those of the block of reflectors
        // before the reflectors and the destination are read or written, and chunks and tiles are those that were
        // dispatched. Indices into workgroup memory come from the local index and from constant bounds. Every loop
        // counts down to 0, or up to a bound that lies below 2^32 by far more than its step.
        let module = unsafe { device.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) };
        let pipelines = ENTRIES.map(|entry_point| builder.pipeline(&module, entry_point, &[]));
        scope.end("the kernels of orthogonal matrices do not compile").await?;
        let limits = device.limits();
        Ok(Self {
            device: device.clone(),
            bindings: builder.into_bindings(),
            pipelines,
            align: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
            max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) & !3,
            max_groups: limits.max_compute_workgroups_per_dimension,
        })
    }

    /// Records the matrices in f32, one after another from byte `offset` of `buffer` on. As many as `workspace` holds
    /// ([`workspace_bytes`] each) are computed at the same time; what `workspace` holds before and after does not
    /// matter.
    ///
    /// Nothing is submitted or waited for. The recording owns its parameters. Returns false, and records nothing, where
    /// a matrix is larger than what the device binds or dispatches: the host has to make it.
    ///
    /// # Errors
    /// [`Error::Buffer`] where the batch is out of range, `offset` is no multiple of 4, or a buffer is too small or
    /// lacks [`wgpu::BufferUsages::STORAGE`].
    pub fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        batch: &Batch,
        buffer: &wgpu::Buffer,
        offset: u64,
        workspace: &wgpu::Buffer,
    ) -> Result<bool> {
        let bytes = batch.elements()?.checked_mul(4);
        let fits = bytes.and_then(|bytes| bytes.checked_add(offset)).is_some_and(|end| end <= buffer.size());
        let storage = [buffer, workspace].iter().all(|b| b.usage().contains(wgpu::BufferUsages::STORAGE));
        if !fits || !storage || !offset.is_multiple_of(4) {
            return Err(Error::Buffer(format!(
                "{} matrices {} x {} at offset {offset} of {} bytes: take a storage buffer that holds them, and \
                 an offset that is a multiple of 4",
                batch.count,
                batch.rows,
                batch.cols,
                buffer.size()
            )));
        }
        if bytes == Some(0) {
            return Ok(true);
        }
        let (each, work) = (4 * batch.matrix_len(), workspace_bytes(batch));
        let most = self.most_bytes();
        let together = (most.saturating_sub(self.align) / each).min(most.min(workspace.size()) / work);
        if workspace.size() < work {
            let given = workspace.size();
            return Err(Error::Buffer(format!("a workspace of {given} bytes: a matrix takes {work}")));
        }
        if !self.takes(batch) {
            return Ok(false);
        }
        let together = together.min(u64::from(self.max_groups)) as u32;
        for done in (0..batch.count).step_by(together as usize) {
            let count = together.min(batch.count - done);
            let at = offset + u64::from(done) * each;
            let start = at - at % self.align;
            self.record_together(
                encoder,
                batch,
                (batch.first + done, count),
                BoundRange { buffer, start, size: at + u64::from(count) * each - start },
                ((at - start) / 4) as u32,
                BoundRange { buffer: workspace, start: 0, size: u64::from(count) * work },
            )?;
        }
        Ok(true)
    }

    /// Whether the device binds and dispatches a matrix of this batch.
    pub(super) fn takes(&self, batch: &Batch) -> bool {
        let (p, _) = batch.tall();
        let most = self.most_bytes();
        let fits = 4 * batch.matrix_len() <= most.saturating_sub(self.align) && workspace_bytes(batch) <= most;
        fits && (p.div_ceil(TILE_SIDE) + 1).max(TILE_SIDE) <= self.max_groups && p <= u32::MAX - 512
    }

    /// Bytes that a binding reaches: it may begin up to `align` bytes before the first matrix, and kernels index it
    /// with 32 bits.
    fn most_bytes(&self) -> u64 {
        self.max_binding.min(4 * u64::from(u32::MAX))
    }

    /// Records `count` matrices from number `matrix` on, which share dispatches. The first of them begins at element
    /// `start` of the destination's binding.
    fn record_together(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        batch: &Batch,
        (matrix, count): (u32, u32),
        destination: BoundRange<'_>,
        start: u32,
        workspace: BoundRange<'_>,
    ) -> Result<()> {
        let (p, q) = batch.tall();
        let layout = WorkspaceLayout::of(batch);
        let blocks: Vec<ReflectorBlock> = (0..q.div_ceil(TILE_SIDE))
            .rev()
            .map(|block| {
                let first = block * TILE_SIDE;
                let tall = batch.rows >= batch.cols;
                ReflectorBlock {
                    key: batch.key,
                    matrix,
                    first,
                    width: TILE_SIDE.min(q - first),
                    rows: p - first,
                    cols: q - first,
                    row_step: if tall { q } else { 1 },
                    col_step: if tall { 1 } else { p },
                    matrix_step: batch.matrix_len() as u32,
                    start,
                    work_step: layout.words as u32,
                    t_start: layout.t_start as u32,
                    sum_start: layout.sum_start as u32,
                    gain: batch.gain,
                    one: 1.0,
                }
            })
            .collect();
        // The parameters of all blocks of reflectors in one buffer, each aligned for a binding of its own.
        let step = (size_of::<ReflectorBlock>() as u64).next_multiple_of(self.align);
        let mut bytes = vec![0; (step * blocks.len() as u64) as usize];
        for (bytes, block) in bytes.chunks_exact_mut(step as usize).zip(&blocks) {
            bytes[..size_of::<ReflectorBlock>()].copy_from_slice(bytemuck::bytes_of(block));
        }
        let parameters = buffer_of(&self.device, "parameters", wgpu::BufferUsages::STORAGE, &bytes)?;
        let scope = Scope::begin(&self.device);
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (i, block) in blocks.iter().enumerate() {
            let own =
                BoundRange { buffer: &parameters, start: step * i as u64, size: size_of::<ReflectorBlock>() as u64 };
            let group = bind_group(&self.device, LABEL, &self.bindings, &[own, workspace, destination]);
            pass.set_bind_group(0, &group, &[]);
            let (tiles, chunks) = (block.cols.div_ceil(TILE_SIDE), block.rows.div_ceil(CHUNK_ROWS as u32));
            let groups =
                [(TILE_SIDE, 1), (tiles + 1, chunks), (1, 1), (tiles, 1), (tiles, block.rows.div_ceil(TILE_SIDE))];
            for (pipeline, (x, y)) in self.pipelines.iter().zip(groups) {
                pass.set_pipeline(pipeline);
                pass.dispatch_workgroups(x, y, count);
            }
        }
        drop(pass);
        scope.end_now("the orthogonal matrices cannot be recorded")
    }
}
