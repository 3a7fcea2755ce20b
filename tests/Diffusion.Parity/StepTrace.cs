using Diffusion.Checkpoints.Schedulers;

namespace Diffusion.Parity;

/// <summary>A run as the loop of the recordings sees it where some iterations ask no model: one iteration a step.</summary>
internal sealed class StepTrace
{
    private readonly TimeGrid _grid;
    private readonly IReadOnlyList<double> _told;

    private StepTrace(TimeGrid grid, IReadOnlyList<double> told, IReadOnlyList<Tensor> after, IReadOnlyList<Tensor> estimates) =>
        (_grid, _told, After, Estimates) = (grid, told, after, estimates);

    /// <summary>The state after each step.</summary>
    public IReadOnlyList<Tensor> After { get; }

    /// <summary>The estimate of each step that made one.</summary>
    public IReadOnlyList<Tensor> Estimates { get; }

    /// <summary>Runs a plan. The tensors of the trace belong to the caller's scope.</summary>
    public static StepTrace Of(SchedulerPlan plan, TimeGrid grid, ToyNetwork network, Tensor start, Tensor? noise, double[]? iterations)
    {
        var (after, estimates) = (new List<Tensor>(), new List<Tensor>());
        using var source = new RecordedNoise(noise, iterations, () => after.Count);
        using var end = plan.Sampler.Sample(plan.Bind(network), start, grid, source, new SamplingHooks
        {
            OnStep = (_, x, estimate) =>
            {
                after.Add(x.clone().DetachFromDisposeScope());
                if (estimate is not null) estimates.Add(estimate.Data.clone().DetachFromDisposeScope());
            },
        });
        return new StepTrace(grid, [.. network.Labels], Owned(after), Owned(estimates));
    }

    // A hook's tensors leave its scope; their aliases are in the caller's.
    private static Tensor[] Owned(List<Tensor> tensors)
    {
        Tensor[] owned = [.. tensors.Select(t => t.alias())];
        foreach (var tensor in tensors) tensor.Dispose();
        return owned;
    }

    /// <summary>Compares the timesteps: that of the model in steps that ask it, that of the target in the others.</summary>
    public void CompareTimesteps(double[] recorded, Comparison comparison)
    {
        comparison.Number("the number of timesteps", _grid.Count, recorded.Length, 0);
        for (var (i, asked) = (0, 0); i < Math.Min(_grid.Count, recorded.Length); i++)
        {
            var back = _grid[i].To.LogSnr < _grid[i].At.Level.LogSnr;
            comparison.Number($"timesteps[{i}]", back ? _grid[i].ToLabel ?? double.NaN : _told[asked++], recorded[i], 0);
        }
    }
}
