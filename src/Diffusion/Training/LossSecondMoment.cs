using System.Runtime.InteropServices;
using TorchSharp.Utils;

namespace Diffusion.Training;

/// <summary>
/// Importance sampling of steps: step t is drawn with a probability in proportion to √E[L_t²], estimated from its last losses, and its loss weighted by 1/(p_t·T), so that the mean is what it
/// would be with even steps and its variance the least. Steps are even until each has been seen often enough. (Nichol and Dhariwal 2021, section 3.3)
/// </summary>
/// <remarks>
/// A module whose buffers are its memory: an objective hands it to the training run, whose checkpoints then hold it, so that a resumed run draws the same steps. It stays on the CPU.
/// For one training at a time.
/// </remarks>
public sealed class LossSecondMoment : nn.Module
{
    [ComponentName(Name = "losses")]
    private readonly Tensor _losses; // [steps, memory], a ring for each step

    [ComponentName(Name = "seen")]
    private readonly Tensor _seen; // int64 [steps]

    /// <summary>A memory without losses.</summary>
    /// <param name="steps">T, at least 1.</param>
    /// <param name="memory">Losses that are remembered of each step, at least 1; 10 in the paper.</param>
    /// <param name="evenShare">The share of draws that stays even, in (0, 1], so that no step is forgotten; 0.001 in the paper's code.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public LossSecondMoment(int steps, int memory = 10, double evenShare = 0.001) : base(nameof(LossSecondMoment))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(memory, 1);
        if (!(evenShare > 0 && evenShare <= 1)) throw new ArgumentOutOfRangeException(nameof(evenShare), evenShare, "The even share lies in (0, 1].");
        TorchBackend.EnsureLoaded();
        (Steps, Memory, EvenShare) = (steps, memory, evenShare);
        _losses = zeros(steps, memory, dtype: float64).DetachFromDisposeScope();
        _seen = zeros(steps, dtype: int64).DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>T.</summary>
    public int Steps { get; }

    /// <summary>Losses that are remembered of each step.</summary>
    public int Memory { get; }

    /// <summary>The share of draws that stays even.</summary>
    public double EvenShare { get; }

    /// <summary>The probability of each step now; they sum to 1.</summary>
    public double[] Probabilities()
    {
        var losses = Losses;
        var seen = Seen;
        var probabilities = new double[Steps];
        var sum = 0.0;
        for (var t = 0; t < Steps; t++)
        {
            if (seen[t] < Memory)
            {
                Array.Fill(probabilities, 1.0 / Steps);
                return probabilities;
            }

            var square = 0.0;
            foreach (var loss in losses.Slice(t * Memory, Memory)) square += loss * loss;
            sum += probabilities[t] = Math.Sqrt(square / Memory);
        }

        for (var t = 0; t < Steps; t++) probabilities[t] = (sum > 0 ? (1 - EvenShare) * probabilities[t] / sum : (1 - EvenShare) / Steps) + EvenShare / Steps;
        return probabilities;
    }

    /// <summary>Draws steps, with the weight 1/(p·T) of each.</summary>
    internal (int[] Steps, double[] Weights) Draw(int count, NoiseSource noise)
    {
        var probabilities = Probabilities();
        var cumulative = new double[Steps];
        var sum = 0.0;
        for (var t = 0; t < Steps; t++) cumulative[t] = sum += probabilities[t];
        var (steps, weights) = (new int[count], new double[count]);
        for (var i = 0; i < count; i++)
        {
            var found = Array.BinarySearch(cumulative, noise.NextDouble() * sum);
            steps[i] = Math.Min(found >= 0 ? found + 1 : ~found, Steps - 1);
            weights[i] = 1 / (probabilities[steps[i]] * Steps);
        }

        return (steps, weights);
    }

    /// <summary>Remembers losses that are finite; the loss of each sample without its weight, [batch].</summary>
    internal void Learn(int[] steps, Tensor losses)
    {
        using var scope = NewDisposeScope();
        var values = losses.detach().to(float64).cpu().data<double>();
        var memory = Losses;
        var seen = Seen;
        for (var i = 0; i < steps.Length; i++)
        {
            if (!double.IsFinite(values[i])) continue; // the run will say so
            memory[steps[i] * Memory + (int)(seen[steps[i]]++ % Memory)] = values[i];
        }
    }

    private Span<double> Losses => _losses.device_type == DeviceType.CPU && _losses.dtype == ScalarType.Float64
        ? MemoryMarshal.Cast<byte, double>(_losses.bytes)
        : throw new InvalidOperationException($"The memory of {nameof(LossSecondMoment)} is {_losses.dtype} on {_losses.device}; it must stay Float64 on the CPU.");

    private Span<long> Seen => MemoryMarshal.Cast<byte, long>(_seen.bytes);
}
