using TorchSharp.Modules;
using TorchSharp.Utils;

namespace Diffusion.Networks;

/// <summary>
/// A small residual network for vectors: points in the plane, tabular data, first experiments. The noise label enters through sines and
/// cosines, the class through a table whose last row stands for "no class".
/// </summary>
/// <remarks>
/// The input may have any shape [batch, …] with the right number of numbers a sample. The last layer begins at zero, so a new network returns
/// zeros; all others have libtorch's usual initial values.
/// </remarks>
public sealed class Mlp : DenoisingNetwork
{
    [ComponentName(Name = "input")]
    private readonly Linear _input;

    [ComponentName(Name = "time_embedding")]
    private readonly TimestepEmbedding _time;

    [ComponentName(Name = "class_embedding")]
    private readonly EmbeddingTable? _classes;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<Sequential> _blocks;

    [ComponentName(Name = "output")]
    private readonly Linear _output;

    private readonly SinusoidalEmbedding _sinusoids;

    /// <summary>A network with random initial values.</summary>
    /// <param name="dimensions">Numbers a sample, at least 1.</param>
    /// <param name="width">Width of the hidden layers, at least 2 and even.</param>
    /// <param name="depth">Residual blocks of two layers each, at least 1.</param>
    /// <param name="classes">Number of classes, at least 1; null for a network without classes. The label <paramref name="classes"/> stands for "no class".</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public Mlp(long dimensions, long width = 128, int depth = 3, int? classes = null) : base(nameof(Mlp))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        if (width < 2 || width % 2 != 0) throw new ArgumentOutOfRangeException(nameof(width), width, "The width must be even and at least 2.");
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        if (classes is < 1) throw new ArgumentOutOfRangeException(nameof(classes), classes, "There is at least one class; null is a network without classes.");
        (Dimensions, Classes) = (dimensions, classes);
        _sinusoids = new SinusoidalEmbedding(width, cosFirst: true, shift: 0);
        _input = nn.Linear(dimensions, width);
        _time = new TimestepEmbedding(width, width);
        if (classes is { } count) _classes = new EmbeddingTable(count + 1, width, "class labels");
        _blocks = new ModuleList<Sequential>([.. Enumerable.Range(0, depth).Select(_ => nn.Sequential(
            ("0", nn.SiLU()), ("1", nn.Linear(width, width)), ("2", nn.SiLU()), ("3", nn.Linear(width, width))))]);
        _output = nn.Linear(width, dimensions);
        nn.init.zeros_(_output.weight);
        nn.init.zeros_(_output.bias!);
        RegisterComponents();
    }

    /// <summary>Numbers a sample.</summary>
    public long Dimensions { get; }

    /// <summary>Number of classes, which is also the label that stands for "no class"; null where there are none.</summary>
    public int? Classes { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// The state has another number of numbers a sample, class labels are missing, out of range or not expected, or the condition holds anything else.
    /// </exception>
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(label);
        Check(x, condition);
        using var scope = NewDisposeScope();
        var h = _input.call(x.reshape(x.shape[0], Dimensions)); // [batch, width]
        var embedding = _time.call(_sinusoids.call(label).to(h.dtype));
        if (_classes is not null) embedding = embedding + _classes.call(condition!.ClassLabels!);
        foreach (var block in _blocks) h = h + block.call(h + embedding);
        return _output.call(nn.functional.silu(h)).view(x.shape).MoveToOuterDisposeScope();
    }

    private void Check(Tensor x, Conditioning? condition)
    {
        if (x.dim() < 1 || x.numel() != x.shape[0] * Dimensions)
            throw new ArgumentException($"The state has shape [{string.Join(", ", x.shape)}]; this network needs {Dimensions} numbers a sample.", nameof(x));
        if (_classes is null ? condition is { IsEmpty: false } : condition?.ClassLabels is null)
            throw new ArgumentException(
                _classes is null ? "This network takes no condition, but one was given." : $"This network needs a class label for each sample; {Classes} stands for 'no class'.", nameof(condition));
        if (condition is { } c && (c.Vector ?? c.Context ?? c.Image) is not null)
            throw new ArgumentException("This network takes class labels and no other condition.", nameof(condition));
    }
}
