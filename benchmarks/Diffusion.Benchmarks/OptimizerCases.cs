using Diffusion.Benchmarks.Plain;
using Diffusion.Training;
using TorchSharp.Modules;

namespace Diffusion.Benchmarks;

/// <summary>Clipping, AdamW and an average over 300 tensors of 40,000 numbers, and the floor that memory sets.</summary>
public sealed class OptimizerCases : IDisposable
{
    private const int Tensors = 300, Length = 40_000;

    private readonly Many _plain = new(Tensors, Length), _fused = new(Tensors, Length);
    private readonly PlainTraining _training;
    private readonly WeightOptimizer _optimizer;
    private readonly AveragedWeights _average;
    private readonly Tensor[] _copies;

    public OptimizerCases(Device device)
    {
        using var scope = NewDisposeScope();
        foreach (var many in (Many[])[_plain, _fused])
        {
            many.to(device);
            foreach (var parameter in many.parameters()) parameter.grad = randn_like(parameter).DetachFromDisposeScope();
        }

        _training = new PlainTraining(_plain.parameters(), 1e-4);
        _optimizer = new WeightOptimizer(_fused, UpdateRule.AdamW(1e-4, 0.01, decays: (_, _) => true));
        _average = new AveragedWeights(_fused, AveragingRule.Constant(0.9999));
        _copies = [.. _fused.parameters().Select(p => empty_like(p).DetachFromDisposeScope())];
    }

    public void Plain() => _training.Update();

    public void Fused()
    {
        _optimizer.Step();
        _average.Update();
    }

    /// <summary>Reads and writes each number once: 8 bytes a parameter.</summary>
    public void Copy()
    {
        using var gradients = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (to, from) in _copies.Zip(_fused.parameters())) to.copy_(from);
    }

    /// <summary>
    /// What reading gradients (twice: for the norm too), weights (twice: for the average too), both moments and the average, and writing weights, moments and
    /// average must take at the rate of <see cref="Copy"/>: 44 bytes a parameter.
    /// </summary>
    public static double Floor(double copy) => copy * 44 / 8;

    public void Dispose()
    {
        _training.Dispose();
        _optimizer.Dispose();
        _average.Dispose();
        foreach (var copy in _copies) copy.Dispose();
        _plain.Dispose();
        _fused.Dispose();
    }

    private sealed class Many : nn.Module
    {
        private readonly ParameterList _weights;

        public Many(int count, int length) : base(nameof(Many))
        {
            _weights = nn.ParameterList([.. Enumerable.Range(0, count).Select(_ => nn.Parameter(randn(length)))]);
            foreach (var weight in _weights) weight.DetachFromDisposeScope();
            RegisterComponents();
        }
    }
}
